// Privileges: started by root to bind low ports, then for good the user of the configuration.
#pragma once

#include <sys/types.h>

#include <string>

namespace dnsd {

/// Call it from the only thread. Each method throws StartError.
class Privileges {
 public:
  /// Looks the user up; an empty one, or the one that runs the process already, changes nothing.
  explicit Privileges(const std::string& user);

  /// For now the user: what is created belongs to it, and what it may not do fails now, not at the
  /// next start.
  void become_user();
  /// Root again, to bind ports.
  void regain();
  /// The user for good: groups, saved ids and all; checked afterwards.
  void drop();
  /// True when the process runs as root and will go on to.
  bool stays_root() const;

 private:
  std::string user_;
  bool change_ = false;
  uid_t uid_ = 0;
  gid_t gid_ = 0;
};

}  // namespace dnsd
