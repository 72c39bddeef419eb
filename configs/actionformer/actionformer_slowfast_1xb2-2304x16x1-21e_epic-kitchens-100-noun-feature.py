# ActionFormer on EPIC-Kitchens 100, nouns, SlowFast features. Only the epochs
# of the verbs are published; the nouns take as many here.
_base_ = './actionformer_slowfast_1xb2-2304x16x1-21e_epic-kitchens-100-verb-feature.py'  # noqa: E501

model = dict(
    head=dict(
        num_classes=300,
        # no training segment has them
        empty_classes=[205, 240, 270, 275, 286, 288, 289, 290, 294, 295, 296]))
ann_file = 'annotations/noun.json'
train_dataloader = dict(dataset=dict(ann_file=ann_file))
val_dataloader = dict(dataset=dict(ann_file=ann_file))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file='data/epic_kitchens/' + ann_file)
test_evaluator = val_evaluator
