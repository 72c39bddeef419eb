// Copyright (c) mmevad authors. All rights reserved.
// Sequential Soft-NMS of temporal segments, the rules of soft_nms.py.
#include <algorithm>
#include <cmath>
#include <cstdint>

// Reorders segments (n, 2), scores and index; returns how many are left.
extern "C" int64_t soft_nms(float *segments, float *scores, int64_t *index,
                            int64_t n, int linear, float sigma,
                            float iou_threshold, float min_score) {
  const float eps = 1e-6f;
  for (int64_t i = 0; i < n; ++i) {
    int64_t best = i;
    for (int64_t j = i + 1; j < n; ++j)
      if (scores[j] > scores[best]) best = j;
    std::swap(segments[2 * i], segments[2 * best]);
    std::swap(segments[2 * i + 1], segments[2 * best + 1]);
    std::swap(scores[i], scores[best]);
    std::swap(index[i], index[best]);
    const float start = segments[2 * i], end = segments[2 * i + 1];
    const float length = end - start + eps;
    for (int64_t j = i + 1; j < n;) {
      float *other = segments + 2 * j;
      const float inter = std::max(
          0.f, std::min(end, other[1]) - std::max(start, other[0]));
      const float iou = inter / (length + (other[1] - other[0] + eps) - inter);
      float weight = 1.f;
      if (!linear)
        weight = (float)std::exp((double)(-(iou * iou) / sigma));
      else if (iou >= iou_threshold)
        weight = 1.f - iou;
      scores[j] *= weight;
      if (scores[j] >= min_score) {
        ++j;
        continue;
      }
      --n;  // the last one takes its place and is decayed next
      other[0] = segments[2 * n];
      other[1] = segments[2 * n + 1];
      scores[j] = scores[n];
      index[j] = index[n];
    }
  }
  return n;
}
