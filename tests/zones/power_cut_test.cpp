// What is on the disk after a power cut or an I/O error at any moment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <set>

#include "zones/power_cut_vfs.h"
#include "zones/sqlite_store.h"
#include "zones/store_model.h"

namespace zones::test {
namespace {

using Call = PowerCutVfs::Call;
using Survivors = PowerCutVfs::Survivors;
using Synchronous = SqliteOptions::Synchronous;
using testing::HasSubstr;

constexpr const char* FILE_NAME = "/dnsd.sqlite";

SqliteOptions options(const PowerCutVfs& vfs, Synchronous synchronous = Synchronous::FULL,
                      bool bulk = false) {
  SqliteOptions options;
  if (bulk) options.bulk_names = 0;
  options.synchronous = synchronous;
  options.vfs = vfs.name();
  options.max_wal_octets = 64 * 1024;  // so that the log is copied and begun anew many times
  return options;
}

/// A run of a store, with what has been answered and what is under way.
struct Progress {
  Workload work;
  bool zone_answered = false;
  Lsn answered = 0;
  std::optional<JournalBatch> under_way;
  std::vector<JournalBatch>
      undecided;  // failed while the disk took nothing, under the number of the next one
};

/// Opens what a cut has left. @return what is wrong with it; empty when all that was answered is
/// there, and what was under way is there as a whole or not at all
std::string verdict(const DiskImage& image, const Progress& progress) {
  PowerCutVfs vfs("after-the-cut", image);
  try {
    SqliteStore store(FILE_NAME, options(vfs));
    Loader loader;
    const Lsn last = store.load(loader);
    if (last < progress.answered) {
      return "batch " + std::to_string(progress.answered) + " was answered, and the newest is " +
             std::to_string(last);
    }
    Contents want = progress.work.contents;
    if (last > progress.answered) {
      std::vector<JournalBatch> possible = progress.undecided;
      if (progress.under_way) possible.push_back(*progress.under_way);
      const auto found = std::ranges::find_if(possible, [&](const JournalBatch& batch) {
        return last == progress.answered + 1 &&
               batch.messages[0].digest == loader.batches.back().messages[0].digest;
      });
      if (found == possible.end())
        return "batch " + std::to_string(last) + " is one that nobody wrote";
      for (const ChangeSet& change : found->changes) want.apply(change);
      want.apply_leases(*found);
    }
    if (!progress.zone_answered && !loader.contents.zones.empty()) want = progress.work.initial();
    if (!(loader.contents == want)) return "the zone is not what was answered";
    static int opened = 0;
    if (++opened % 16 == 0) store.check();  // slow
    // And it goes on from there.
    if (want.zones.empty()) return {};
    JournalBatch batch;
    batch.lsn = last + 1;
    store.append(batch);
    return {};
  } catch (const StoreError& error) {
    return std::string("it does not open: ") + error.what();
  }
}

// A few hundred appends, with checkpoints and prunings between.
void run(Store& store, Progress& progress, int appends) {
  Workload& work = progress.work;
  work.create(store);
  progress.zone_answered = true;
  for (int i = 0; i < appends; ++i) {
    progress.under_way = work.next(store);
    store.append(*progress.under_way);
    work.apply(*progress.under_way);
    progress.answered = progress.under_way->lsn;
    progress.under_way.reset();
    if (i % 5 == 4) {
      store.checkpoint(work.rows(), store.last_lsn());
      work.checkpointed();
    }
    if (i % 20 == 19) store.prune(store.last_lsn() - 3);
  }
}

struct CutResult {
  std::size_t cuts = 0;
  std::set<std::string> failures;
};

/// Cuts the power before, during and after each call of the kinds given, without stopping the run:
/// the disk is copied as the cut would leave it.
CutResult cut_at_each(const std::set<Call>& calls, Synchronous synchronous, int appends,
                      bool bulk = false) {
  CutResult result;
  Progress progress;
  PowerCutVfs vfs("power-cut");
  std::uint64_t seed = 0;
  const auto cut = [&](Survivors survivors) {
    ++result.cuts;
    const std::string wrong = verdict(vfs.after_cut(survivors, ++seed), progress);
    if (!wrong.empty()) result.failures.insert(wrong);
  };
  vfs.before = [&](Call call) {
    if (calls.contains(call)) {
      cut(Survivors::NONE);                              // before
      for (int i = 0; i < 3; ++i) cut(Survivors::SOME);  // during
    }
    return SQLITE_OK;
  };
  vfs.after = [&](Call call) {
    if (!calls.contains(call)) return;
    cut(Survivors::NONE);
    cut(Survivors::SOME);
  };
  {
    SqliteStore store(FILE_NAME, options(vfs, synchronous, bulk));
    run(store, progress, appends);
  }
  cut(Survivors::NONE);
  return result;
}

TEST(PowerCut, NothingAnsweredIsLostAtAnySync) {
  const CutResult result = cut_at_each({Call::SYNC, Call::REMOVE}, Synchronous::FULL, 200);
  EXPECT_GT(result.cuts, 200U * 6);
  EXPECT_TRUE(result.failures.empty())
      << result.failures.size() << ", the first: " << *result.failures.begin();
}

TEST(PowerCut, AZoneInBulkIsThereAsAWholeOrNotAtAll) {
  const CutResult result =
      cut_at_each({Call::SYNC, Call::REMOVE, Call::WRITE, Call::OPEN, Call::TRUNCATE},
                  Synchronous::FULL, 3, true);
  EXPECT_GT(result.cuts, 100U);
  EXPECT_TRUE(result.failures.empty())
      << result.failures.size() << ", the first: " << *result.failures.begin();
}

TEST(PowerCut, NothingAnsweredIsLostAtAnyOtherCall) {
  const CutResult result =
      cut_at_each({Call::WRITE, Call::OPEN, Call::TRUNCATE}, Synchronous::FULL, 40);
  EXPECT_GT(result.cuts, 40U * 6);
  EXPECT_TRUE(result.failures.empty())
      << result.failures.size() << ", the first: " << *result.failures.begin();
}

// The tests above would find a store that does not sync.
TEST(PowerCut, SynchronousOffIsFoundOut) {
  const CutResult result = cut_at_each({Call::WRITE}, Synchronous::OFF, 60);
  EXPECT_THAT(result.failures, testing::Contains(HasSubstr("was answered, and the newest is")));
}

TEST(PowerCut, SynchronousNormalIsFoundOut) {
  const CutResult result = cut_at_each({Call::SYNC, Call::WRITE}, Synchronous::NORMAL, 60);
  EXPECT_THAT(result.failures, testing::Contains(HasSubstr("was answered, and the newest is")));
}

// The power goes again while the store recovers from the first cut.
TEST(PowerCut, RecoveryCanBeCutAsWell) {
  Progress progress;
  DiskImage image;
  {
    PowerCutVfs vfs("power-cut");
    SqliteStore store(FILE_NAME, options(vfs));
    run(store, progress, 33);
    image = vfs.after_cut(Survivors::NONE, 0);
  }
  PowerCutVfs vfs("recovering", image);
  std::size_t cuts = 0;
  const auto cut = [&](Survivors survivors) {
    ++cuts;
    EXPECT_EQ(verdict(vfs.after_cut(survivors, cuts), progress), "");
  };
  vfs.before = [&](Call) {
    cut(Survivors::NONE);
    cut(Survivors::SOME);
    return SQLITE_OK;
  };
  vfs.after = [&](Call) { cut(Survivors::NONE); };
  {
    SqliteStore store(FILE_NAME, options(vfs));
    store.checkpoint(progress.work.rows(), store.last_lsn());
  }
  EXPECT_GT(cuts, 10U);
}

// ---- a disk that fails

/// Runs with the n-th call failing, or all from the n-th on for `lasting` calls; after the failure
/// the file is opened as after a kill, and after a power cut. @return false when there were fewer
/// calls
bool run_with_fault(int nth, int lasting, int code, bool& failed_in_open) {
  Progress progress;
  PowerCutVfs vfs("faulty");
  int calls = 0;
  vfs.before = [&](Call) { return ++calls >= nth && calls < nth + lasting ? code : SQLITE_OK; };
  const bool lasts = lasting > 1;
  const auto judge = [&] {
    // While the disk still fails, nobody can tell yet whether the batch under way will be found
    // (see undo()).
    if (!lasts) progress.under_way.reset();
    EXPECT_EQ(verdict(vfs.after_cut(Survivors::ALL, 0), progress), "")
        << "call " << nth << ", killed";
    if (lasts) return;
    EXPECT_EQ(verdict(vfs.after_cut(Survivors::NONE, 0), progress), "")
        << "call " << nth << ", power cut";
    EXPECT_EQ(verdict(vfs.after_cut(Survivors::SOME, static_cast<std::uint64_t>(nth)), progress),
              "")
        << "call " << nth << ", power cut";
  };
  std::unique_ptr<SqliteStore> store;
  failed_in_open = false;
  for (int attempt = 0; store == nullptr; ++attempt) {
    try {
      store = std::make_unique<SqliteStore>(FILE_NAME, options(vfs));
    } catch (const StoreError& error) {
      EXPECT_EQ(error.kind(), StoreError::Kind::UNWRITABLE) << error.what();
      failed_in_open = true;
      if (attempt > 100) throw;
    }
  }
  bool is_created = false;
  int checkpoints = 0;
  const int failures_before = calls;
  for (int step = 0; step < 24;) {
    try {
      Workload& work = progress.work;
      if (!is_created) {
        work.create(*store);
        progress.zone_answered = is_created = true;
      } else if (step % 4 == 3 && checkpoints < step / 4) {
        store->checkpoint(work.rows(), store->last_lsn());
        work.checkpointed();
        ++checkpoints;
        if (checkpoints % 2 == 0) store->prune(store->last_lsn());
      } else {
        progress.under_way = work.next(*store);
        store->append(*progress.under_way);
        work.apply(*progress.under_way);
        progress.answered = progress.under_way->lsn;
        progress.under_way.reset();
        progress.undecided.clear();
        ++step;
      }
    } catch (const StoreError& error) {
      EXPECT_EQ(error.kind(), StoreError::Kind::UNWRITABLE) << error.what();
      EXPECT_THAT(error.what(), HasSubstr(FILE_NAME));
      judge();
      if (progress.under_way && lasting > 1) progress.undecided.push_back(*progress.under_way);
      progress.under_way.reset();
      if (calls > failures_before + 100000) throw;
    }
  }
  EXPECT_EQ(verdict(vfs.after_cut(Survivors::NONE, 0), progress), "")
      << "call " << nth << ", at the end";
  return calls >= nth;
}

class Fault : public testing::TestWithParam<std::pair<int, int>> {};

TEST_P(Fault, ReopenedFileEqualsWhatWasAnswered) {
  const auto [lasting, code] = GetParam();
  int nth = 1;
  bool failed_in_open = false;
  int opening_faults = 0;
  while (run_with_fault(nth, lasting, code, failed_in_open)) {
    if (failed_in_open) ++opening_faults;
    ++nth;
    if (HasFailure()) break;
  }
  EXPECT_GT(nth, 60);
  EXPECT_GT(opening_faults, 5);
}

INSTANTIATE_TEST_SUITE_P(Disk, Fault,
                         testing::Values(std::pair{1, SQLITE_IOERR_WRITE},
                                         std::pair{1, SQLITE_FULL},
                                         std::pair{7, SQLITE_IOERR_WRITE},
                                         std::pair{15, SQLITE_FULL}));

}  // namespace
}  // namespace zones::test
