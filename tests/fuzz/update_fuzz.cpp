// Updates against a zone, and against a model of RFC 2136 that is as plain as can be: the same
// RCODEs, the same records, the same serial after each message; and what goes to the journal leads
// from one version to the next. The input is a list of batches of messages; messages go over the
// wire form, as they would.
#include <string>

#include "dnsd/update_batch.h"
#include "update_model.h"

namespace {

using fuzz::APEX;
using fuzz::Input;
using fuzz::LIMITS;
using fuzz::Model;
using fuzz::model_of;
using fuzz::name;
using fuzz::normal;
using fuzz::octets_of;
using fuzz::random_record;
using fuzz::require;
using zones::Class;
using zones::Rcode;
using zones::Rdata;
using zones::Record;
using zones::Type;

// As a replay of the journal would do it.
void replay(Model& model, const zones::ChangeSet& changes) {
  for (const Record& record : changes.removed) {
    require(model.has(record.owner, record.type), "what is removed was there");
    model.remove(record.owner, record.type, normal(record.type, record.rdata));
  }
  for (const Record& record : changes.added) {
    Model::Set& set = model.sets[{record.owner, record.type}];
    set.ttl = record.ttl;
    require(set.rdatas.emplace(normal(record.type, record.rdata), record.rdata).second,
            "what is added was not there");
  }
}

zones::CatalogueBuilder& fill(zones::CatalogueBuilder& builder) {
  const Rdata ns = octets_of(name("ns.example.org."));
  Rdata soa = ns;
  soa.insert(soa.end(), ns.begin(), ns.end());
  soa.insert(soa.end(), {0, 0, 0, 10});
  soa.resize(soa.size() + 16, 1);
  std::vector<std::uint8_t> packed;
  const zones::RRset rrsets[] = {{Type::SOA, 60, {soa}}, {Type::NS, 60, {ns}}};
  zones::pack(rrsets, packed);
  builder.add_zone(APEX.view());
  builder.put(APEX.view(), APEX.view(), zones::RRsetsView(packed));
  return builder;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto policy = [] {
    auto made = std::make_shared<dnsd::Policy>();
    made->keyring.add({.name = name("key."),
                       .algorithm = keys::Algorithm::HMAC_SHA256,
                       .secret = std::make_shared<const keys::Secret>(keys::Secret::random(32))});
    made->grants[APEX].add({.key = name("key."), .update = true});
    return made;
  }();

  Input in(data, size);
  zones::CatalogueBuilder builder(std::size_t{1} << 24);
  dnsd::State published;
  published.catalogue = fill(builder).freeze();
  Model committed = model_of(*published.catalogue.zone(APEX.view()));

  while (!in.empty()) {
    dnsd::UpdateBatch batch(builder, published);
    Model model = committed;
    model.has_stepped = false;
    const std::uint8_t shape = in.octet();
    for (int count = shape % 4; count >= 0; --count) {
      zones::Message message;
      message.header.opcode = zones::Opcode::UPDATE;
      message.question = {{APEX, Type::SOA, Class::IN}};
      const std::uint8_t counts = in.octet();
      for (int one = counts % 4; one > 1; --one) message.answer.push_back(random_record(in));
      for (int one = counts / 4 % 8; one > 0; --one) message.authority.push_back(random_record(in));
      const auto parsed = zones::parse_message(zones::to_wire(message));
      if (!parsed) continue;  // FORMERR before anything of this
      dnsd::UpdateJob job;
      job.message = *parsed;
      job.key = name("key.");

      dnsd::Judgement judgement = dnsd::judge_update(builder.working(), policy.get(), LIMITS, job);
      require(judgement.rcode == Rcode::NOERROR || !judgement.changes(),
              "what is refused changes nothing");
      require(judgement.rcode == model.message(*parsed), "the RCODE is the model's");
      batch.accept(std::move(judgement));
      require(model == model_of(*builder.working().zone(APEX.view())), "so are the records");
    }
    if (shape >= 224) {
      builder.rollback();
      require(committed == model_of(*builder.working().zone(APEX.view())), "rollback undoes it");
      continue;
    }
    const std::vector<zones::ChangeSet> changes = batch.changes();
    require(changes.size() <= 1 && batch.is_empty() == changes.empty(), "one change set a zone");
    if (!changes.empty()) {
      require(changes[0].from_serial == committed.serial(), "from the serial before");
      require(changes[0].to_serial == model.serial(), "to the serial after");
      require(zones::read_soa(model.sets.at({APEX, Type::SOA}).rdatas.begin()->second).serial !=
                  committed.serial(),
              "a change has a serial of its own");
      Model replayed = committed;
      replay(replayed, changes[0]);
      require(replayed == model, "the journal leads to the records");
    } else {
      require(model == committed, "no change set, no change");
    }
    published.catalogue = builder.freeze();
    published.version = builder.version();
    builder.reclaim(published.version);
    committed = model;
  }
  return 0;
}
