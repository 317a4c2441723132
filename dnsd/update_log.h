// What the writer tells the operator of single updates.
#pragma once

#include "dnsd/log.h"
#include "dnsd/update_writer.h"

namespace dnsd {

/// One thread. No more lines than a disk can bear.
class UpdateLog {
 public:
  /// A line for an update that was refused with a reason; nothing for all others.
  void answered(const UpdateJob& job, const UpdateReply& reply);

 private:
  LogLimiter limiter_;
};

}  // namespace dnsd
