#include "zones/zone_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>
#include <vector>

#include "zones/name_key.h"
#include "zones/presentation.h"
#include "zones/store.h"

namespace zones {
namespace {

constexpr std::size_t CHUNK_OCTETS = 1 << 20;
constexpr std::uint64_t PROGRESS_RECORDS = 100000;

// Records of one owner that came one after the other: size of its key (2), the key, size of the
// owner below the apex (1), the owner, then for each record TYPE (2), TTL (4), RDLENGTH (2) and
// RDATA, in the machine's order. The key's first octets spare most comparisons the way to it.
struct Run {
  std::uint64_t prefix;
  const std::uint8_t* at;
  std::uint32_t size;
  std::uint32_t line;

  std::string_view key() const {
    std::uint16_t size_octets = 0;
    std::memcpy(&size_octets, at, 2);
    return {reinterpret_cast<const char*>(at) + 2, size_octets};
  }
  std::span<const std::uint8_t> owner() const {
    const std::uint8_t* const start = at + 2 + key().size();
    return {start + 1, *start};
  }
  friend bool operator<(const Run& a, const Run& b) {
    return a.prefix != b.prefix ? a.prefix < b.prefix : a.key() < b.key();
  }
};

std::uint64_t prefix_of(std::string_view key) {
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    prefix = prefix << 8 | (i < key.size() ? static_cast<std::uint8_t>(key[i]) : 0);
  }
  return prefix;
}

struct StoredRecord {
  Type type;
  std::uint32_t ttl;
  RdataView rdata;
};

// Memory in chunks, which never moves.
class Arena {
 public:
  /// Room for `size` octets, after the last ones when `more` is still free there.
  bool has_room(std::size_t size) const { return size <= left_; }
  std::uint8_t* take(std::size_t size) {
    if (size > left_) {
      left_ = std::max(CHUNK_OCTETS, size);
      chunks_.push_back(std::make_unique_for_overwrite<std::uint8_t[]>(left_));
      at_ = chunks_.back().get();
    }
    std::uint8_t* const taken = at_;
    at_ += size;
    left_ -= size;
    return taken;
  }

 private:
  std::vector<std::unique_ptr<std::uint8_t[]>> chunks_;
  std::uint8_t* at_ = nullptr;
  std::size_t left_ = 0;
};

// Types that may stand beside a CNAME (RFC 2181 §10.1, RFC 4034 §2.5; RFC 3007 §2.3 for KEY).
bool goes_with_cname(Type type) {
  switch (type) {
    case Type::CNAME:
    case Type::RRSIG:
    case Type::NSEC:
    case Type::SIG:
    case Type::NXT:
    case Type::KEY:
      return true;
    default:
      return false;
  }
}

// Leaves the first of equal records (RFC 2181 §5).
void remove_equal(Type type, std::vector<RdataView>& rdatas) {
  constexpr std::size_t FEW = 8;  // so few are compared with each other
  std::vector<RdataView> different;
  std::set<Rdata> seen;
  for (const RdataView rdata : rdatas) {
    const bool is_new =
        rdatas.size() <= FEW
            ? std::ranges::none_of(different,
                                   [&](RdataView other) { return rdata_equal(type, rdata, other); })
            : seen.insert(canonical_rdata(type, rdata)).second;
    if (is_new) different.push_back(rdata);
  }
  rdatas = std::move(different);
}

bool pack_views(Type type, std::uint32_t ttl, const std::vector<RdataView>& rdatas,
                std::vector<std::uint8_t>& out) {
  std::size_t size = 0;
  for (const RdataView rdata : rdatas) size += 2 + rdata.size();
  if (size > 0xffff) return false;
  const auto u16 = [&](std::size_t value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
  };
  out.reserve(out.size() + RRsetView::HEADER_OCTETS + size);
  u16(static_cast<std::size_t>(type));
  u16(rdatas.size());
  u16(ttl >> 16);
  u16(ttl & 0xffff);
  u16(size);
  for (const RdataView rdata : rdatas) {
    u16(rdata.size());
    out.insert(out.end(), rdata.begin(), rdata.end());
  }
  return true;
}

std::string quoted(std::string_view word) {
  constexpr std::size_t MOST_OCTETS = 60;
  std::string text = "'";
  for (const char c : word.substr(0, MOST_OCTETS)) text += c >= ' ' && c <= '~' ? c : '?';
  return text + (word.size() > MOST_OCTETS ? "…'" : "'");
}

}  // namespace

std::string ZoneFileError::to_text() const {
  return file.string() + (line == 0 ? std::string() : ":" + std::to_string(line)) + ": " + what;
}

struct ZoneFile::Impl {
  Name apex;
  Arena arena;
  std::vector<Run> runs;
  std::uint64_t names = 0;
  std::uint64_t records = 0;

  void add(const Name& owner, Type type, std::uint32_t ttl, RdataView rdata, std::uint64_t line);
  /// Gives each name's packed RRsets to `visit`; false from it ends the reading. An error names the
  /// line.
  template <class Visit>
  std::string group(std::uint64_t& line, const Visit& visit) const;
  struct Scratch {
    std::vector<StoredRecord> records;
    std::vector<RdataView> rdatas;
    std::vector<std::uint8_t> packed;
  };
  static std::string pack_name(std::span<const Run> same, Scratch& scratch);
  std::string check(std::uint64_t& line);

 private:
  std::string key_;
  Name last_owner_;
};

void ZoneFile::Impl::add(const Name& owner, Type type, std::uint32_t ttl, RdataView rdata,
                         std::uint64_t line) {
  const std::size_t record_size = 8 + rdata.size();
  const bool goes_on = !runs.empty() && owner.view().identical(last_owner_) &&
                       arena.has_room(record_size) && runs.back().size < CHUNK_OCTETS;
  if (!goes_on) {
    key_.clear();
    append_name_key(owner, apex, key_);
    const std::size_t below = owner.size() - apex.size();
    const std::size_t head_size = 2 + key_.size() + 1 + below;
    // In one piece with the first record, so that what follows in the chunk is this run's.
    std::uint8_t* const head = arena.take(head_size + record_size);
    const auto key_size = static_cast<std::uint16_t>(key_.size());
    std::memcpy(head, &key_size, 2);
    std::memcpy(head + 2, key_.data(), key_.size());
    head[2 + key_.size()] = static_cast<std::uint8_t>(below);
    std::memcpy(head + 3 + key_.size(), owner.wire().data(), below);
    runs.push_back({prefix_of(key_), head, static_cast<std::uint32_t>(head_size + record_size),
                    static_cast<std::uint32_t>(line)});
    last_owner_ = owner;
  } else {
    arena.take(record_size);
    runs.back().size += static_cast<std::uint32_t>(record_size);
  }
  auto* const record = const_cast<std::uint8_t*>(runs.back().at) + runs.back().size - record_size;
  const auto size = static_cast<std::uint16_t>(rdata.size());
  std::memcpy(record, &type, 2);
  std::memcpy(record + 2, &ttl, 4);
  std::memcpy(record + 6, &size, 2);
  if (!rdata.empty()) std::memcpy(record + 8, rdata.data(), rdata.size());
}

std::string ZoneFile::Impl::pack_name(std::span<const Run> same, Scratch& scratch) {
  std::vector<StoredRecord>& all = scratch.records;
  all.clear();
  scratch.packed.clear();
  for (const Run& run : same) {
    const std::uint8_t* at = run.owner().data() + run.owner().size();
    const std::uint8_t* const end = run.at + run.size;
    while (at < end) {
      StoredRecord& record = all.emplace_back();
      std::uint16_t size = 0;
      std::memcpy(&record.type, at, 2);
      std::memcpy(&record.ttl, at + 2, 4);
      std::memcpy(&size, at + 6, 2);
      record.rdata = {at + 8, size};
      at += 8 + size;
    }
  }
  if (all.size() > 1) std::ranges::stable_sort(all, {}, &StoredRecord::type);
  const bool has_cname =
      std::ranges::any_of(all, [](const auto& record) { return record.type == Type::CNAME; });
  for (std::size_t i = 0; i < all.size();) {
    const Type type = all[i].type;
    const std::uint32_t ttl = all[i].ttl;  // the first one's is everyone's (RFC 2181 §5.2)
    scratch.rdatas.clear();
    for (; i < all.size() && all[i].type == type; ++i) scratch.rdatas.push_back(all[i].rdata);
    if (scratch.rdatas.size() > 1) remove_equal(type, scratch.rdatas);
    if (has_cname && !goes_with_cname(type)) {
      return "a CNAME and " + to_text(type) + " records at one name (RFC 1034 §3.6.2)";
    }
    if ((type == Type::CNAME || type == Type::DNAME || type == Type::SOA) &&
        scratch.rdatas.size() > 1) {
      return "more than one " + to_text(type) + " record at one name";
    }
    if (!pack_views(type, ttl, scratch.rdatas, scratch.packed)) {
      return "the " + to_text(type) + " records of one name take more than 65,535 octets";
    }
  }
  return {};
}

template <class Visit>
std::string ZoneFile::Impl::group(std::uint64_t& line, const Visit& visit) const {
  Scratch scratch;
  std::array<std::uint8_t, MAX_NAME_OCTETS> wire;
  for (std::size_t i = 0; i < runs.size();) {
    std::size_t end = i + 1;
    while (end < runs.size() && runs[end].prefix == runs[i].prefix &&
           runs[end].key() == runs[i].key())
      ++end;
    const std::span<const std::uint8_t> owner = runs[i].owner();
    if (std::string error = pack_name(std::span(runs).subspan(i, end - i), scratch);
        !error.empty()) {
      line = runs[i].line;
      return error;
    }
    std::ranges::copy(owner, wire.begin());
    std::ranges::copy(apex.wire(), wire.begin() + static_cast<std::ptrdiff_t>(owner.size()));
    visit(NameView(wire.data(), owner.size() + apex.size()), RRsetsView(scratch.packed));
    i = end;
  }
  return {};
}

std::string ZoneFile::Impl::check(std::uint64_t& line) {
  if (!std::is_sorted(runs.begin(), runs.end())) std::stable_sort(runs.begin(), runs.end());
  bool has_soa = false;
  bool has_ns = false;
  std::string error = group(line, [&](NameView owner, RRsetsView rrsets) {
    if (names == 0 && owner.size() == apex.size()) {
      has_soa = static_cast<bool>(rrsets.find(Type::SOA));
      has_ns = static_cast<bool>(rrsets.find(Type::NS));
    }
    ++names;
    records += rrsets.record_count();
  });
  if (!error.empty()) return error;
  line = 0;
  if (!has_soa)
    return "there is no SOA record of " + apex.to_text() + "; every zone needs one (RFC 1035 §5.2)";
  if (!has_ns)
    return "there are no NS records of " + apex.to_text() +
           "; every zone needs one (RFC 1035 §5.2)";
  return {};
}

namespace {

// Reads entries and keeps what carries over from one to the next: origin, owner, TTL.
class Parser {
 public:
  Parser(EntryReader& entries, const Name& apex) : entries_(entries), apex_(apex), origin_(apex) {}

  /// False at the end and for an error.
  bool next();
  const std::string& error() const { return error_; }
  std::uint64_t line() const { return entries_.line(); }

  Name owner;
  Type type{};
  std::uint32_t ttl = 0;
  Rdata rdata;

 private:
  bool fail(std::string error) {
    error_ = std::move(error);
    return false;
  }
  bool directive(std::string_view entry);
  bool record(std::string_view entry);
  bool parse_owner(std::string_view& entry);
  bool choose_ttl(const std::optional<std::uint32_t>& explicit_ttl);

  EntryReader& entries_;
  const Name& apex_;
  Name origin_;
  bool has_owner_ = false;
  std::string owner_word_;  // as written last, and still `owner`
  std::optional<std::uint32_t> default_ttl_;
  std::optional<std::uint32_t> last_ttl_;
  std::string error_;
};

bool Parser::next() {
  while (entries_.next()) {
    const std::string_view entry = entries_.entry();
    if (entry.front() != '$') return record(entry);
    if (!directive(entry)) return false;
  }
  error_ = entries_.error();
  return false;
}

bool Parser::directive(std::string_view entry) {
  std::string_view rest = entry;
  const std::string_view keyword = take_word(rest);
  const std::string_view value = take_word(rest);
  if (keyword == "$ORIGIN") {
    const auto name = Name::from_text(value, origin_);
    if (value.empty() || !rest.empty() || !name) return fail("$ORIGIN wants one name after it");
    origin_ = *name;
    owner_word_.clear();
    return true;
  }
  if (keyword == "$TTL") {
    std::uint32_t seconds = 0;
    if (!rest.empty() || !parse_seconds(value, seconds) || seconds > MAX_TTL) {
      return fail(
          "$TTL wants a time after it, such as 300 or 1h, at most 2147483647 seconds (RFC 2181 "
          "§8)");
    }
    default_ttl_ = seconds;
    return true;
  }
  if (keyword == "$INCLUDE")
    return fail("$INCLUDE is not supported; put the other file's content here");
  return fail(quoted(keyword) + " is not supported; $ORIGIN and $TTL are");
}

bool Parser::parse_owner(std::string_view& entry) {
  if (entry.front() == ' ') {
    return has_owner_ ||
           fail(
               "the first record has no owner: a line that begins with a space goes on with the "
               "owner of the one before");
  }
  const std::string_view word = take_word(entry);
  if (has_owner_ && word == owner_word_) return true;
  const auto name = Name::from_text(word, origin_);
  if (!name) return fail(quoted(word) + " is no name: " + to_text(name.error()));
  if (!name->is_at_or_below(apex_)) {
    return fail(name->to_text() + " is not in the zone " + apex_.to_text());
  }
  owner = *name;
  owner_word_ = word;
  has_owner_ = true;
  return true;
}

bool Parser::choose_ttl(const std::optional<std::uint32_t>& explicit_ttl) {
  if (explicit_ttl) {
    last_ttl_ = explicit_ttl;
  } else if (default_ttl_) {
    last_ttl_ = default_ttl_;
  } else if (!last_ttl_) {
    // RFC 1035 §5.1 has none for the first record; the SOA's MINIMUM was the default before RFC
    // 2308 §4.
    if (type != Type::SOA) return fail("no TTL: put a line such as '$TTL 300' before");
    last_ttl_ = std::min(read_soa(rdata).minimum, MAX_TTL);
  }
  ttl = *last_ttl_;
  return true;
}

bool Parser::record(std::string_view entry) {
  if (!parse_owner(entry)) return false;
  std::optional<std::uint32_t> explicit_ttl;
  bool has_class = false;
  std::string_view word = take_word(entry);
  // TTL and class come in either order (RFC 1035 §5.1).
  for (;; word = take_word(entry)) {
    std::uint32_t seconds = 0;
    Class rrclass{};
    if (!explicit_ttl && !word.empty() && word.front() >= '0' && word.front() <= '9') {
      if (!parse_seconds(word, seconds) || seconds > MAX_TTL) {
        return fail(quoted(word) + " is no TTL; at most 2147483647 seconds (RFC 2181 §8)");
      }
      explicit_ttl = seconds;
    } else if (!has_class && class_from_text(word, rrclass) && rrclass != Class::ANY) {
      if (rrclass != Class::IN)
        return fail("the class is " + to_text(rrclass) + ", and only IN is served");
      has_class = true;
    } else {
      break;
    }
  }
  if (word.empty()) return fail("a record without a type");
  if (!type_from_text(word, type)) return fail(quoted(word) + " is no type of record");
  if (is_meta(type)) return fail(to_text(type) + " is no type of record that a zone can hold");
  if (type == Type::SOA && !(owner == apex_))
    return fail("an SOA record belongs to " + apex_.to_text() + " only");
  Result<Rdata, std::string> parsed = rdata_from_entry(type, entry, origin_);
  if (!parsed) return fail(parsed.error());
  rdata = std::move(*parsed);
  return choose_ttl(explicit_ttl);
}

}  // namespace

ZoneFile::ZoneFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ZoneFile::ZoneFile(ZoneFile&&) noexcept = default;
ZoneFile& ZoneFile::operator=(ZoneFile&&) noexcept = default;
ZoneFile::~ZoneFile() = default;

Result<ZoneFile, ZoneFileError> ZoneFile::read(const std::filesystem::path& file, NameView apex,
                                               const Progress& progress) {
  std::error_code ignored;
  std::ifstream in;
  // A folder can be opened, and reads as nothing.
  errno = std::filesystem::is_directory(file, ignored) ? EISDIR : 0;
  if (errno == 0) in.open(file, std::ios::binary);
  if (!in.is_open()) {
    return tl::unexpected(
        ZoneFileError{file, 0, std::string("cannot read it: ") + std::strerror(errno)});
  }
  return read(in, file, apex, progress);
}

Result<ZoneFile, ZoneFileError> ZoneFile::read(std::istream& in, const std::filesystem::path& file,
                                               NameView apex, const Progress& progress) {
  auto impl = std::make_unique<Impl>();
  impl->apex = Name(apex);
  EntryReader entries(in);
  Parser parser(entries, impl->apex);
  std::uint64_t count = 0;
  while (parser.next()) {
    impl->add(parser.owner, parser.type, parser.ttl, parser.rdata, parser.line());
    if (++count % PROGRESS_RECORDS == 0 && progress) progress(count);
  }
  if (!parser.error().empty())
    return tl::unexpected(ZoneFileError{file, parser.line(), parser.error()});
  std::uint64_t line = 0;
  if (std::string error = impl->check(line); !error.empty()) {
    return tl::unexpected(ZoneFileError{file, line, std::move(error)});
  }
  return ZoneFile(std::move(impl));
}

void ZoneFile::write_to(ZoneWriter& writer) const {
  std::uint64_t line = 0;
  // Nothing can be wrong any more: read() has been through it.
  impl_->group(line, [&](NameView owner, RRsetsView rrsets) { writer.node(owner, rrsets); });
}

std::uint64_t ZoneFile::record_count() const { return impl_->records; }
std::uint64_t ZoneFile::name_count() const { return impl_->names; }

}  // namespace zones
