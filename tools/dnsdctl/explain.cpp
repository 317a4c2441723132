#include <fstream>
#include <iterator>
#include <ostream>

#include "keys/grant_file.h"
#include "tools/dnsdctl/commands.h"
#include "zones/text.h"

namespace dnsdctl {
namespace {

/// What was asked on the command line.
struct Question {
  zones::Name key;
  zones::Name name;
  zones::Type type{};
  zones::Rdata rdata;
  bool adds = false;
  keys::Address source{};
  bool has_source = false;
};

zones::Result<zones::Name, std::string> read_name(const std::string& text, const char* what) {
  const auto name = zones::Name::from_text(text);
  if (text.empty() || !name) {
    return tl::unexpected("'" + text + "' is no name of a " + what + ": " +
                          (text.empty() ? "it is empty" : zones::to_text(name.error())));
  }
  return *name;
}

zones::Result<Question, std::string> read_question(const Explain& options) {
  Question question;
  const auto key = read_name(options.key, "key");
  if (!key) return tl::unexpected(key.error());
  question.key = *key;
  const auto name = read_name(options.name, "record");
  if (!name) return tl::unexpected(name.error());
  question.name = *name;
  if (!zones::type_from_text(options.type, question.type) ||
      (zones::is_meta(question.type) && question.type != zones::Type::ANY)) {
    return tl::unexpected("'" + options.type + "' is not a type of records");
  }
  std::string data;
  for (const std::string& word : options.data) data += (data.empty() ? "" : " ") + word;
  question.adds = !data.empty();
  if (question.adds) {
    auto rdata = zones::rdata_from_text(question.type, data);
    if (!rdata) return tl::unexpected(rdata.error());
    question.rdata = std::move(*rdata);
  }
  if (!options.source.empty()) {
    const auto address = keys::address_from_text(options.source);
    if (!address) return tl::unexpected("'" + options.source + "' is no address");
    question.source = *address;
    question.has_source = true;
  }
  return question;
}

zones::Result<keys::GrantFile, std::string> read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (!in.good() && !in.eof()) return tl::unexpected(path.string() + " cannot be read");
  keys::GrantFile file = keys::read_grant_file(text, path);
  if (!file.errors.empty()) return tl::unexpected(file.errors.front().to_text());
  return file;
}

void write_limits(const keys::KeyLimits& limits, std::ostream& out) {
  if (limits.max_records != 0) {
    out << "limit: " << limits.max_records << " records at and below the key's name\n";
  }
  if (limits.max_lease.count() != 0) {
    out << "limit: leases of " << limits.max_lease.count() << " s\n";
  }
  if (limits.rate_per_minute != 0) {
    out << "limit: " << limits.rate_per_minute << " updates a minute\n";
  }
}

}  // namespace

Outcome explain(const Explain& options, std::ostream& out, std::ostream& err) {
  const auto question = read_question(options);
  if (!question) return tl::unexpected(question.error());
  const auto file = read_file(options.config);
  if (!file) return tl::unexpected(file.error());
  const keys::GrantFile::Zone* zone = file->zone_of(question->name);
  if (!zone) {
    return tl::unexpected(question->name.to_text() + " is in no [[zone]] of " +
                          options.config.string());
  }
  if (!file->has_key(question->key)) {
    err << "remark: " << options.config.string() << " has no [[key]] " << question->key.to_text()
        << "; its updates are refused unless a KEY record of that name is in a zone"
        << (file->has_key_files ? ", or it is in one of key-files\n" : "\n");
  }
  const keys::Ruling ruling = zone->grants.judge(
      {question->key, question->source, question->has_source},
      {question->name, question->type, question->rdata, question->adds}, file->portal);
  out << (ruling.allowed ? "permitted: " : "refused: ")
      << (question->adds ? "to add " : "to remove ") << question->name.to_text() << ' '
      << zones::to_text(question->type);
  if (question->adds) out << ' ' << zones::rdata_to_text(question->type, question->rdata);
  out << " by key " << question->key.to_text() << " in zone " << zone->name.to_text() << '\n';
  if (!ruling.why.empty()) out << "why: " << ruling.why << '\n';
  if (ruling.grant) {
    out << (ruling.allowed ? "grant: " : "nearest grant: ") << options.config.string() << ':'
        << ruling.grant->line << ", for " << ruling.grant->key.to_text()
        << (ruling.grant->update ? ", the whole zone" : "") << '\n';
  }
  if (ruling.allowed) write_limits(zone->grants.limits(question->key), out);
  return ruling.allowed ? 0 : 1;
}

}  // namespace dnsdctl
