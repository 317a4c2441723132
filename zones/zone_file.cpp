#include "zones/zone_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <vector>

#include "zones/snapshot.h"
#include "zones/store.h"
#include "zones/zone_parser.h"

namespace zones {
namespace {

constexpr std::uint64_t PROGRESS_RECORDS = 100000;

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

// Gathers records into a zone of the builder. Those of one owner that come one after the other are
// put at once; what comes later joins them.
class Assembler {
 public:
  Assembler(CatalogueBuilder& builder, NameView apex) : builder_(builder), apex_(apex) {}

  /// False for an error.
  bool add(const ZoneParser& parser);
  /// After the last record.
  bool finish();
  const std::string& error() const { return error_; }
  std::uint64_t line() const { return line_; }

 private:
  struct Waiting {
    Type type;
    std::uint16_t size;
    std::uint32_t ttl;
    std::size_t at;  // where its RDATA begins in `octets_`
  };
  struct Stored {
    Type type;
    std::uint32_t ttl;
    RdataView rdata;
  };
  bool fail(std::string error) {
    error_ = std::move(error);
    return false;
  }
  void take_waiting();
  bool flush();
  bool pack_all();

  CatalogueBuilder& builder_;
  const Name apex_;
  Name owner_;  // of what waits
  std::vector<Waiting> waiting_;
  Rdata octets_;
  std::vector<Stored> all_;
  std::vector<RdataView> rdatas_;
  std::vector<std::uint8_t> packed_;
  std::uint64_t line_ = 0;  // of the first record that waits
  std::string error_;
};

bool Assembler::add(const ZoneParser& parser) {
  // So that a name whose records never end meets the limit of an RRset.
  constexpr std::size_t MOST_OCTETS = 1 << 20;
  if (!waiting_.empty() &&
      (!parser.owner.view().identical(owner_) || octets_.size() > MOST_OCTETS) && !flush()) {
    return false;
  }
  if (waiting_.empty()) {
    owner_ = parser.owner;
    line_ = parser.line();
  }
  waiting_.push_back(
      {parser.type, static_cast<std::uint16_t>(parser.rdata.size()), parser.ttl, octets_.size()});
  octets_.insert(octets_.end(), parser.rdata.begin(), parser.rdata.end());
  return true;
}

void Assembler::take_waiting() {
  for (const Waiting& one : waiting_) {
    all_.push_back({one.type, one.ttl, RdataView(octets_).subspan(one.at, one.size)});
  }
}

bool Assembler::flush() {
  all_.clear();
  take_waiting();
  if (!pack_all()) return false;
  if (const auto before = builder_.add(apex_, owner_, RRsetsView(packed_))) {
    all_.clear();
    for (const RRsetView rrset : before->rrsets) {
      for (const RdataView rdata : rrset) all_.push_back({rrset.type(), rrset.ttl(), rdata});
    }
    take_waiting();
    if (!pack_all()) return false;
    Rdata spelled_first(before->labels.begin(), before->labels.end());
    spelled_first.insert(spelled_first.end(), apex_.wire().begin(), apex_.wire().end());
    builder_.put(apex_, NameView(spelled_first.data(), spelled_first.size()), RRsetsView(packed_));
  }
  waiting_.clear();
  octets_.clear();
  return true;
}

// All records of one name, in the order of the file.
bool Assembler::pack_all() {
  packed_.clear();
  if (all_.size() > 1) std::ranges::stable_sort(all_, {}, &Stored::type);
  const bool has_cname =
      std::ranges::any_of(all_, [](const Stored& record) { return record.type == Type::CNAME; });
  for (std::size_t i = 0; i < all_.size();) {
    const Type type = all_[i].type;
    const std::uint32_t ttl = all_[i].ttl;  // the first one's is everyone's (RFC 2181 §5.2)
    rdatas_.clear();
    for (; i < all_.size() && all_[i].type == type; ++i) rdatas_.push_back(all_[i].rdata);
    if (rdatas_.size() > 1) remove_equal(type, rdatas_);
    if (has_cname && !goes_with_cname(type)) {
      return fail("a CNAME and " + to_text(type) + " records at one name (RFC 1034 §3.6.2)");
    }
    if ((type == Type::CNAME || type == Type::DNAME || type == Type::SOA) && rdatas_.size() > 1) {
      return fail("more than one " + to_text(type) + " record at one name");
    }
    if (!pack_views(type, ttl, rdatas_, packed_)) {
      return fail("the " + to_text(type) + " records of one name take more than 65,535 octets");
    }
    if (packed_.size() > Block::MAX_PAYLOAD_OCTETS) {
      return fail("the records of one name take more than 16 MiB");
    }
  }
  return true;
}

bool Assembler::finish() {
  if (!waiting_.empty() && !flush()) return false;
  line_ = 0;
  const RRsetsView apex = builder_.working().zone(apex_)->apex_rrsets();
  for (const Type type : {Type::SOA, Type::NS}) {
    if (apex.find(type)) continue;
    return fail(std::string(type == Type::SOA ? "there is no SOA record of "
                                              : "there are no NS records of ") +
                apex_.to_text() + "; every zone needs one (RFC 1035 §5.2)");
  }
  return true;
}

Result<ZoneFileSize, ZoneFileError> read_stream(std::istream& in, const std::filesystem::path& file,
                                                NameView apex, CatalogueBuilder& builder,
                                                const ZoneFileProgress& progress) {
  const auto wrong = [&](std::uint64_t line, const std::string& what) {
    return tl::unexpected(ZoneFileError{file, line, what});
  };
  const Name origin(apex);
  builder.add_zone(apex);
  EntryReader entries(in);
  ZoneParser parser(entries, origin);
  Assembler zone(builder, apex);
  std::uint64_t count = 0;
  while (parser.next()) {
    if (!zone.add(parser)) return wrong(zone.line(), zone.error());
    if (++count % PROGRESS_RECORDS == 0 && progress) progress(count);
  }
  if (!parser.error().empty()) return wrong(parser.line(), parser.error());
  if (!zone.finish()) return wrong(zone.line(), zone.error());
  const ZoneSnapshot made = *builder.working().zone(apex);
  return ZoneFileSize{made.record_count(), made.name_count()};
}

}  // namespace

std::string ZoneFileError::to_text() const {
  return file.string() + (line == 0 ? std::string() : ":" + std::to_string(line)) + ": " + what;
}

Result<ZoneFileSize, ZoneFileError> read_zone_file(const std::filesystem::path& file, NameView apex,
                                                   CatalogueBuilder& builder,
                                                   const ZoneFileProgress& progress) {
  std::error_code ignored;
  std::ifstream in;
  // A folder can be opened, and reads as nothing.
  errno = std::filesystem::is_directory(file, ignored) ? EISDIR : 0;
  if (errno == 0) in.open(file, std::ios::binary);
  if (!in.is_open()) {
    return tl::unexpected(
        ZoneFileError{file, 0, std::string("cannot read it: ") + std::strerror(errno)});
  }
  return read_stream(in, file, apex, builder, progress);
}

void write_zone(const ZoneSnapshot& zone, ZoneWriter& writer) {
  zone.for_each([&](NameView owner, RRsetsView rrsets) {
    writer.node(owner, rrsets);
    return true;
  });
}

struct ZoneFile::Impl {
  Name apex;
  ZoneFileSize size;
  CatalogueBuilder builder;
};

ZoneFile::ZoneFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ZoneFile::ZoneFile(ZoneFile&&) noexcept = default;
ZoneFile& ZoneFile::operator=(ZoneFile&&) noexcept = default;
ZoneFile::~ZoneFile() = default;

Result<ZoneFile, ZoneFileError> ZoneFile::read(const std::filesystem::path& file, NameView apex,
                                               const ZoneFileProgress& progress) {
  auto impl = std::make_unique<Impl>();
  impl->apex = Name(apex);
  const auto size = read_zone_file(file, apex, impl->builder, progress);
  if (!size) return tl::unexpected(size.error());
  impl->size = *size;
  return ZoneFile(std::move(impl));
}

Result<ZoneFile, ZoneFileError> ZoneFile::read(std::istream& in, const std::filesystem::path& file,
                                               NameView apex, const ZoneFileProgress& progress) {
  auto impl = std::make_unique<Impl>();
  impl->apex = Name(apex);
  const auto size = read_stream(in, file, apex, impl->builder, progress);
  if (!size) return tl::unexpected(size.error());
  impl->size = *size;
  return ZoneFile(std::move(impl));
}

void ZoneFile::write_to(ZoneWriter& writer) const {
  write_zone(*impl_->builder.working().zone(impl_->apex), writer);
}

std::uint64_t ZoneFile::record_count() const { return impl_->size.records; }
std::uint64_t ZoneFile::name_count() const { return impl_->size.names; }

}  // namespace zones
