# Copyright (c) mmevad authors. All rights reserved.
"""Learning rates and weight decay of EVAD's parameters."""
from contextlib import nullcontext
from typing import Optional

import torch
from mmaction.registry import (OPTIM_WRAPPER_CONSTRUCTORS, OPTIM_WRAPPERS,
                               OPTIMIZERS)
from mmengine.model import is_model_wrapper
from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from mmengine.utils import digit_version
from torch import nn
from torch.distributed.fsdp import FullyShardedDataParallel

# new layers on the tokens; the pyramid and the learned proposals are not
FAST = ('actor_head.stages.', 'context_decoder.')
NO_DECAY = ('mask_token', 'cls_token', 'pos_embed')

# torch has had one-kernel Adam for CUDA before, for every device since 2.4
FUSED_ON_CPU = digit_version(torch.__version__) >= digit_version('2.4')


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class EVADOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """Parameter groups of EVAD's recipe.

    The query stages and the context decoder (projection and mask token
    included) train at ``head_lr_mult`` times the base rate. 1-d parameters,
    biases, positions and mask tokens have no weight decay. mmengine's
    ``custom_keys`` cannot say both, since a custom key switches its rules for
    biases and norms off.

    Args:
        optim_wrapper_cfg (dict): Its ``optimizer`` needs ``lr`` and
            ``weight_decay``; Adam and AdamW run fused where torch can.
        paramwise_cfg (dict, optional): ``head_lr_mult``, by default 8.

    Raises:
        ValueError: If ``paramwise_cfg`` holds anything else, or the optimiser
            no lr.
    """

    def __init__(self,
                 optim_wrapper_cfg: dict,
                 paramwise_cfg: Optional[dict] = None) -> None:
        paramwise_cfg = dict(paramwise_cfg or {})
        self.head_lr_mult = paramwise_cfg.pop('head_lr_mult', 8.)
        if paramwise_cfg:
            raise ValueError(f'paramwise_cfg has unknown {paramwise_cfg}; '
                             'EVADOptimWrapperConstructor takes head_lr_mult')
        super().__init__(optim_wrapper_cfg)
        if self.base_lr is None:
            raise ValueError('EVADOptimWrapperConstructor needs optimizer.lr')

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Build the wrapper over up to four groups of parameters."""
        whole = nullcontext()
        if isinstance(model, FullyShardedDataParallel):
            # outside of it, its parameters are flat parts of the real ones
            whole = FullyShardedDataParallel.summon_full_params(
                model, writeback=False)
        if is_model_wrapper(model):
            model = model.module
        groups = {}
        with whole:
            for name, param in model.named_parameters():
                if not param.requires_grad:
                    continue
                name = name.replace('_fsdp_wrapped_module.', '')
                fast = name.startswith(FAST)
                decay = param.dim() > 1 and \
                    name.split('.')[-1] not in NO_DECAY
                groups.setdefault((fast, decay), []).append(param)
        params = []
        for (fast, decay), members in sorted(groups.items()):
            params.append(
                dict(
                    params=members,
                    lr=self.base_lr * (self.head_lr_mult if fast else 1.),
                    weight_decay=(self.base_wd or 0.) if decay else 0.))
        return self._build(params)

    def _build(self, params: list) -> OptimWrapper:
        cfg = dict(self.optimizer_cfg, params=params)
        if cfg['type'] in ('Adam', 'AdamW') and FUSED_ON_CPU:
            cfg.setdefault('fused', True)
        optimizer = OPTIMIZERS.build(cfg)
        return OPTIM_WRAPPERS.build(
            self.optim_wrapper_cfg, default_args=dict(optimizer=optimizer))
