#include "zones/sqlite_schema.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>

#include <string>

#include "zones/store.h"

namespace zones {
namespace {

// store:   one row. `attempts` is written to overwrite what a failed commit left in the write-ahead
// log. zone:    `key` orders the apexes (name_key.h); `since` is the newest LSN when the zone was
// created, so that
//          batches meant for an earlier zone of this name are not replayed; `names` and `digest`
//          (the sum of its rows' checksums) tell a lost row.
// name:    the checkpoint. `value` is the owner relative to the apex (its size, its labels) and the
// packed RRsets; `leases` those of its records (store_rows.h), or none; `since`: the time of the
//          batch that changed its records last, none when they were imported or are of a time
//          before the column. Only pages show it, so it is in no checksum. journal: the truth
//          (journal_codec.h).
constexpr Migration MIGRATIONS[] = {{1, R"(
CREATE TABLE store (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  identity BLOB NOT NULL,
  applied_lsn INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  checksum INTEGER NOT NULL
);
CREATE TABLE zone (
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE,
  apex BLOB NOT NULL,
  since INTEGER NOT NULL,
  names INTEGER NOT NULL,
  digest INTEGER NOT NULL,
  checksum INTEGER NOT NULL
);
CREATE TABLE name (
  zone INTEGER NOT NULL,
  key BLOB NOT NULL,
  checksum INTEGER NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (zone, key)
) WITHOUT ROWID;
CREATE TABLE journal (
  lsn INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  batch BLOB NOT NULL
);
)"},
                                    {2, "ALTER TABLE name ADD COLUMN leases BLOB"},
                                    {3, "ALTER TABLE name ADD COLUMN since INTEGER"}};

int pragma(SQLite::Database& database, const char* name) {
  return database.execAndGet(std::string("PRAGMA ") + name).getInt();
}

std::string table_definitions(SQLite::Database& database) {
  SQLite::Statement query(database, "SELECT name, sql FROM sqlite_schema ORDER BY name");
  std::string all;
  while (query.executeStep()) {
    all += query.getColumn(0).getString() + '\n' + query.getColumn(1).getString() + '\n';
  }
  return all;
}

void apply(SQLite::Database& database, const Migration& step) {
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  database.exec(step.sql);
  database.exec("PRAGMA user_version = " + std::to_string(step.version));
  database.exec("PRAGMA application_id = " + std::to_string(SQLITE_APPLICATION_ID));
  transaction.commit();
}

[[noreturn]] void refuse(const SQLite::Database& database, const std::string& reason) {
  throw StoreError(StoreError::Kind::CORRUPT, database.getFilename() + " " + reason);
}

}  // namespace

std::span<const Migration> schema_migrations() { return MIGRATIONS; }

int migrate(SQLite::Database& database, std::span<const Migration> migrations) {
  const int before = pragma(database, "user_version");
  const int newest = migrations.back().version;
  const std::string tables = table_definitions(database);
  if (before == 0 && !tables.empty()) {
    refuse(database, "is an SQLite database of another program; name another file as the store");
  }
  if (before != 0 && pragma(database, "application_id") != SQLITE_APPLICATION_ID) {
    refuse(database, "is not a store of dnsd, or its header is damaged; restore a backup");
  }
  if (before < 0 || before > newest) {
    refuse(database, "has schema version " + std::to_string(before) +
                         ", and this program knows up to " + std::to_string(newest) +
                         "; run the newer program that wrote it, or restore a backup");
  }
  // What the tables of that version look like is what the steps make of nothing.
  SQLite::Database model(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  for (const Migration& step : migrations) {
    if (step.version <= before) apply(model, step);
  }
  if (table_definitions(model) != tables) {
    refuse(database, "is damaged: its tables are not those of schema version " +
                         std::to_string(before) + "; restore a backup");
  }
  for (const Migration& step : migrations) {
    if (step.version > before) apply(database, step);
  }
  return before;
}

}  // namespace zones
