// Tables of the SQLite store, and how an older version of them becomes the newest.
#pragma once

#include <span>

namespace SQLite {
class Database;
}

namespace zones {

/// One step of the schema; PRAGMA user_version counts them.
struct Migration {
  int version;      // after this step
  const char* sql;  // any number of statements
};

/// The file's PRAGMA application_id.
constexpr int SQLITE_APPLICATION_ID = 0x646e7364;  // "dnsd"

/// All steps, version 1 first, each one above the other.
std::span<const Migration> schema_migrations();

/// Takes a database to the last of the versions, each step in one transaction. Throws StoreError
/// CORRUPT, and changes nothing, when the file belongs to another program, is newer than the last
/// step, or holds tables that are not those of its version; SQLite::Exception when SQLite fails.
///
/// @return the version before; 0 for an empty database
int migrate(SQLite::Database& database,
            std::span<const Migration> migrations = schema_migrations());

}  // namespace zones
