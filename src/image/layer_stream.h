/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of a layer blob, decompressed and hashed in a thread of their own.
 */
#ifndef IMAGE_LAYER_STREAM_H
#define IMAGE_LAYER_STREAM_H

#include "image/layer.h"

struct layer_stream;

/* Start reading. NULL on failure. src and limits must outlive the stream. */
struct layer_stream *layer_stream_open(const struct layer_source *src,
                                       const struct layer_limits *limits, struct aw_err *err);

/* The next uncompressed bytes, valid until the next call; 0 at the end, -1 when reading failed
 * (layer_stream_finish tells why). */
ssize_t layer_stream_next(struct layer_stream *s, const void **ret);

/* Compressed bytes read so far, for progress. */
uint64_t layer_stream_position(struct layer_stream *s);

/* Read what is left, end the thread, judge size, digest and diff_id, and fill in those fields and
 * bytes of ret. good: the caller is content so far, *err is filled in on failure. Not good: *err
 * holds the caller's error, and is replaced only if the blob is not what it should be or could
 * not be read (then that is the cause); nothing is decompressed any more. Frees s. */
bool layer_stream_finish(struct layer_stream *s, bool good, struct layer_result *ret,
                         struct aw_err *err);

#endif
