#include "zones/snapshot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <new>
#include <random>
#include <stdexcept>
#include <thread>

#include "zones/snapshot_model.h"

namespace zones {
namespace {

using Kind = Lookup::Kind;

struct Owner {
  const char* name;
  std::vector<Type> types;
};

CatalogueBuilder& fill(CatalogueBuilder& builder, const char* apex,
                       const std::vector<Owner>& owners) {
  builder.add_zone(name(apex));
  for (const Owner& owner : owners) {
    builder.put(name(apex), name(owner.name), RRsetsView(packed(owner.types)));
  }
  return builder;
}

/// The name of `size` octets at the end of `of`, as Lookup means it.
std::string suffix(NameView of, std::size_t size) {
  return size == 0 ? "" : NameView(of.data() + of.size() - size, size).to_text();
}

// RFC 4592 §2.2.1, with its owners and types.
const std::vector<Owner> WILDCARD_ZONE = {
    {"example.", {Type::NS, Type::SOA}},       {"*.example.", {Type::MX, Type::TXT}},
    {"sub.*.example.", {Type::TXT}},           {"host1.example.", {Type::A}},
    {"_ssh._tcp.host1.example.", {Type::SRV}}, {"_ssh._tcp.host2.example.", {Type::SRV}},
    {"subdel.example.", {Type::NS}},
};

TEST(ZoneSnapshot, Rfc4592Section2_2_1) {
  struct Row {
    const char* asked;
    Kind kind;
    const char* encloser;
    bool synthesized;
    const char* cut;
  };
  const Row rows[] = {
      // "The following responses would be synthesized from one of the wildcards in the zone"
      {"host3.example.", Kind::ABSENT, "example.", true, ""},
      {"foo.bar.example.", Kind::ABSENT, "example.", true, ""},
      // "… would not be synthesized from any of the wildcards in the zone"
      {"host1.example.", Kind::EXACT, "", false, ""},
      {"sub.*.example.", Kind::EXACT, "", false, ""},
      {"_telnet._tcp.host1.example.", Kind::ABSENT, "_tcp.host1.example.", false, ""},
      {"host.subdel.example.", Kind::ABSENT, "subdel.example.", false, "subdel.example."},
      {"ghost.*.example.", Kind::ABSENT, "*.example.", false, ""},
      // §2.2.2: empty non-terminals exist, so nothing is synthesized for them or below them.
      {"host2.example.", Kind::EMPTY_NON_TERMINAL, "", false, ""},
      {"_tcp.host1.example.", Kind::EMPTY_NON_TERMINAL, "", false, ""},
      {"x.host2.example.", Kind::ABSENT, "host2.example.", false, ""},
      // §2.1.1: the wildcard's own name is matched literally.
      {"*.example.", Kind::EXACT, "", false, ""},
      {"example.", Kind::EXACT, "", false, ""},
      {"subdel.example.", Kind::EXACT, "", false, "subdel.example."},
  };
  CatalogueBuilder builder;
  const ZoneSnapshot zone =
      *fill(builder, "example.", WILDCARD_ZONE).freeze().zone(name("example."));
  for (const Row& row : rows) {
    SCOPED_TRACE(row.asked);
    const Name asked = name(row.asked);
    const Lookup got = zone.find(asked);
    EXPECT_EQ(got.kind, row.kind);
    EXPECT_EQ(suffix(asked, got.encloser_size), row.encloser);
    EXPECT_EQ(!got.wildcard.empty(), row.synthesized);
    EXPECT_EQ(got.wildcard_exists, row.synthesized);
    EXPECT_EQ(suffix(asked, got.cut_size), row.cut);
    EXPECT_EQ(!got.rrsets.empty(), row.kind == Kind::EXACT);
  }
}

TEST(ZoneSnapshot, WildcardsOfOtherShapes) {
  struct Row {
    const char* clause;
    std::vector<Owner> owners;
    const char* asked;
    bool exists;
    bool has_records;
  };
  const Row rows[] = {
      {"RFC 4592 §4.6 an empty non-terminal",
       {{"a.*.example.", {Type::A}}},
       "b.example.",
       true,
       false},
      {"two names below it",
       {{"a.*.example.", {Type::A}}, {"b.*.example.", {Type::A}}},
       "b.example.",
       true,
       false},
      {"itself and one below it",
       {{"*.example.", {Type::A}}, {"b.*.example.", {Type::A}}},
       "b.example.",
       true,
       true},
      {"the only name", {{"*.example.", {Type::A}}}, "b.example.", true, true},
      {"no wildcard: §2.1.1 `**` is an ordinary label",
       {{"**.example.", {Type::A}}},
       "b.example.",
       false,
       false},
      {"asked below an ordinary `*x`", {{"*x.example.", {Type::A}}}, "*.example.", false, false},
      {"asked for `*x`", {{"*.example.", {Type::A}}}, "*x.example.", true, true},
      {"RFC 4592 §3.3.1 no closer encloser's wildcard",
       {{"*.example.", {Type::A}}, {"x.a.example.", {Type::A}}},
       "b.a.example.",
       false,
       false},
      {"wildcards at both",
       {{"*.example.", {Type::A}}, {"*.a.example.", {Type::A}}},
       "b.a.example.",
       true,
       true},
      {"a name two levels below", {{"*.example.", {Type::A}}}, "a.b.c.example.", true, true},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.clause);
    CatalogueBuilder builder;
    const ZoneSnapshot zone =
        *fill(builder, "example.", row.owners).freeze().zone(name("example."));
    const Lookup got = zone.find(name(row.asked));
    EXPECT_EQ(got.kind, Kind::ABSENT);
    EXPECT_EQ(got.wildcard_exists, row.exists);
    EXPECT_EQ(!got.wildcard.empty(), row.has_records);
  }
}

TEST(ZoneSnapshot, CutsAndDnames) {
  struct Row {
    const char* clause;
    const char* asked;
    Kind kind;
    const char* cut;
    const char* dname;
  };
  const Row rows[] = {
      {"RFC 1034 §4.3.2 3b, at the cut", "sub.example.", Kind::EXACT, "sub.example.", ""},
      {"below it, glue", "ns.sub.example.", Kind::EXACT, "sub.example.", ""},
      {"below it, no such name", "a.b.sub.example.", Kind::ABSENT, "sub.example.", ""},
      {"below it, above glue", "deep.sub.example.", Kind::EMPTY_NON_TERMINAL, "sub.example.", ""},
      {"the topmost of two", "x.under.sub.example.", Kind::ABSENT, "sub.example.", ""},
      {"beside it", "suc.example.", Kind::ABSENT, "", ""},
      {"a longer label with the same beginning", "subs.example.", Kind::ABSENT, "", ""},
      {"a shorter one", "su.example.", Kind::ABSENT, "", ""},
      {"NS at the apex is no cut", "example.", Kind::EXACT, "", ""},
      {"RFC 6672 §2.3, the owner of a DNAME itself", "d.example.", Kind::EXACT, "", ""},
      {"a name below it", "a.d.example.", Kind::ABSENT, "", "d.example."},
      {"far below it", "a.b.c.d.example.", Kind::ABSENT, "", "d.example."},
      {"occluded data below it (RFC 6672 §2.4)", "hidden.d.example.", Kind::EXACT, "",
       "d.example."},
      {"the topmost of two", "a.x.d.example.", Kind::ABSENT, "", "d.example."},
      {"a cut above a DNAME", "a.dn.sub.example.", Kind::ABSENT, "sub.example.", "dn.sub.example."},
  };
  const std::vector<Owner> owners = {
      {"example.", {Type::NS, Type::SOA}},    {"sub.example.", {Type::NS}},
      {"ns.sub.example.", {Type::A}},         {"ns.deep.sub.example.", {Type::A}},
      {"under.sub.example.", {Type::NS}},     {"dn.sub.example.", {Type::DNAME}},
      {"d.example.", {Type::A, Type::DNAME}}, {"hidden.d.example.", {Type::A}},
      {"x.d.example.", {Type::DNAME}},
  };
  CatalogueBuilder builder;
  const ZoneSnapshot zone = *fill(builder, "example.", owners).freeze().zone(name("example."));
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(row.clause) + ": " + row.asked);
    const Name asked = name(row.asked);
    const Lookup got = zone.find(asked);
    EXPECT_EQ(got.kind, row.kind);
    EXPECT_EQ(suffix(asked, got.cut_size), row.cut);
    EXPECT_EQ(static_cast<bool>(got.cut.find(Type::NS)), *row.cut != '\0');
    EXPECT_EQ(suffix(asked, got.dname_size), row.dname);
    EXPECT_EQ(static_cast<bool>(got.dname.find(Type::DNAME)), *row.dname != '\0');
  }
}

TEST(ZoneSnapshot, DnameAtTheApex) {  // RFC 6672 §2.3
  CatalogueBuilder builder;
  const ZoneSnapshot zone =
      *fill(builder, "example.",
            {{"example.", {Type::SOA, Type::DNAME}}, {"a.example.", {Type::A}}})
           .freeze()
           .zone(name("example."));
  EXPECT_EQ(zone.find(name("example.")).dname_size, 0);
  EXPECT_EQ(zone.find(name("a.example.")).dname_size, 9);
  EXPECT_EQ(zone.find(name("x.y.example.")).dname_size, 9);
  EXPECT_TRUE(zone.find(name("x.y.example.")).dname.find(Type::DNAME));
}

TEST(ZoneSnapshot, CanonicalOrder) {  // RFC 4034 §6.1
  const char* const ordered[] = {
      "example.",         "a.example.",      "yljkjljk.a.example.",
      "Z.a.example.",     "zABC.a.EXAMPLE.", "z.example.",
      "\\001.z.example.", "*.z.example.",    "\\200.z.example.",
  };
  std::vector<Name> names;
  for (const char* text : ordered) names.push_back(name(text));
  const std::vector<std::uint8_t> records = packed({Type::A});
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    std::vector<Name> shuffled = names;
    std::ranges::shuffle(shuffled, random);
    CatalogueBuilder builder;
    builder.add_zone(names[0]);
    for (const Name& owner : shuffled) builder.put(names[0], owner, RRsetsView(records));
    const ZoneSnapshot zone = *builder.working().zone(names[0]);
    std::vector<Name> got;
    zone.for_each([&](NameView owner, RRsetsView) {
      got.emplace_back(owner);
      return true;
    });
    EXPECT_EQ(got, names);
    for (std::size_t after = 0; after < names.size(); ++after) {
      got.clear();
      zone.for_each_after(names[after], [&](NameView owner, RRsetsView) {
        got.emplace_back(owner);
        return true;
      });
      EXPECT_EQ(got, std::vector<Name>(names.begin() + static_cast<std::ptrdiff_t>(after) + 1,
                                       names.end()));
    }
  }
}

TEST(ZoneSnapshot, KeepsCaseAndIgnoresIt) {  // RFC 4343 §4
  CatalogueBuilder builder;
  builder.add_zone(name("Example."));
  builder.put(name("eXample."), name("WWW.exAmple."), RRsetsView(packed({Type::A})));
  EXPECT_EQ(builder.working().zone(name("EXAMPLE."))->apex().to_text(), "Example.");
  const ZoneSnapshot zone = *builder.working().enclosing(name("w.EXAMPLE."));
  EXPECT_EQ(zone.find(name("www.EXAMPLE.")).kind, Kind::EXACT);
  std::string owner;
  zone.for_each([&](NameView at, RRsetsView) {
    owner = at.to_text();
    return true;
  });
  EXPECT_EQ(owner, "WWW.Example.");
}

TEST(ZoneSnapshot, EveryOctetInLabels) {  // RFC 2181 §11
  CatalogueBuilder builder;
  const Name apex = name("example.");
  builder.add_zone(apex);
  ZoneModel model(apex);
  std::vector<Name> names;
  const auto add = [&](std::vector<std::uint8_t> labels) {
    labels.insert(labels.end(), apex.wire().begin(), apex.wire().end());
    names.push_back(*Name::from_wire(labels));
    const auto records = packed({Type::A}, static_cast<std::uint32_t>(names.size()));
    builder.put(apex, names.back(), RRsetsView(records));
    model.put(names.back(), records);
  };
  for (unsigned value = 0; value < 256; ++value) {
    const auto octet = static_cast<std::uint8_t>(value);
    add({1, octet});
    add({2, octet, octet});
    add({3, 'a', octet, 'b'});
    add({1, octet, 1, octet});
  }
  model.expect_same_zone(*builder.freeze().zone(apex));
  for (const Name& owner : names) {
    model.expect_same_lookup(*builder.working().zone(apex), owner);
    model.expect_same_lookup(*builder.working().zone(apex), *Name::join(name("x"), owner));
  }
}

TEST(ZoneSnapshot, LongestNames) {  // RFC 1035 §2.3.4
  CatalogueBuilder builder;
  const Name root;
  builder.add_zone(root);
  ZoneModel model(root);
  std::vector<Name> names = {root};
  for (const char octet : {'a', '\xff', '\0', 'B'}) {
    for (const std::size_t label : {63U, 1U, 7U}) {
      std::vector<std::uint8_t> wire;
      while (wire.size() + 2 + 1 <= MAX_NAME_OCTETS) {
        const std::size_t size = std::min(label, MAX_NAME_OCTETS - wire.size() - 2);
        wire.push_back(static_cast<std::uint8_t>(size));
        wire.insert(wire.end(), size, static_cast<std::uint8_t>(octet));
      }
      wire.push_back(0);
      names.push_back(*Name::from_wire(wire));
    }
  }
  for (std::size_t at = 0; at < names.size(); ++at) {
    const auto records = packed({Type::A}, static_cast<std::uint32_t>(at));
    builder.put(root, names[at], RRsetsView(records));
    model.put(names[at], records);
  }
  const ZoneSnapshot zone = *builder.freeze().zone(root);
  model.expect_same_zone(zone);
  for (const Name& owner : names) {
    for (std::size_t labels = 0; labels <= owner.label_count(); ++labels) {
      model.expect_same_lookup(zone, owner.view().without(labels));
    }
  }
}

TEST(ZoneSnapshot, ApexAndCounters) {
  CatalogueBuilder builder;
  const Name apex = name("example.");
  EXPECT_TRUE(builder.add_zone(apex));
  EXPECT_FALSE(builder.add_zone(name("EXAMPLE.")));
  ZoneSnapshot zone = *builder.working().zone(apex);
  EXPECT_FALSE(zone.soa());
  EXPECT_EQ(zone.serial(), 0U);
  EXPECT_TRUE(zone.exists(apex));
  EXPECT_EQ(zone.find(name("a.example.")).encloser_size, apex.size());

  builder.put(apex, apex, RRsetsView(packed({Type::A, Type::NS, Type::SOA, Type::TXT}, 2024)));
  zone = *builder.working().zone(apex);
  EXPECT_EQ(zone.serial(), 2024U);
  EXPECT_EQ(zone.soa().type(), Type::SOA);
  EXPECT_EQ(zone.name_count(), 1U);
  EXPECT_EQ(zone.record_count(), 4U);
  builder.put(apex, apex, RRsetsView(packed({Type::SOA}, 7)));
  EXPECT_EQ(builder.working().zone(apex)->serial(), 7U);
  EXPECT_EQ(builder.working().zone(apex)->record_count(), 1U);
  builder.put(apex, apex, RRsetsView());
  EXPECT_FALSE(builder.working().zone(apex)->soa());
  EXPECT_EQ(builder.working().zone(apex)->name_count(), 0U);
}

TEST(Catalogue, Enclosing) {
  struct Row {
    const char* asked;
    const char* zone;  // "": none
  };
  const Row rows[] = {
      {"example.", "example."},
      {"a.example.", "example."},
      {"sub.example.", "sub.example."},
      {"a.b.sub.example.", "sub.example."},
      {"subs.example.", "example."},
      {"su.example.", "example."},
      {"deep.a.b.example.", "deep.a.b.example."},
      {"x.deep.a.b.example.", "deep.a.b.example."},
      {"b.example.", "example."},
      {"other.b.example.", "example."},
      {"org.", ""},
      {"example.org.", "example.org."},
      {"xexample.", ""},
      {".", ""},
      {"exampl.", ""},
      {"a.example.org.", "example.org."},
  };
  CatalogueBuilder builder;
  const Catalogue none = builder.working();
  EXPECT_FALSE(none.enclosing(name("example.")));
  EXPECT_FALSE(Catalogue().zone(name("example.")));
  for (const char* apex : {"example.org.", "example.", "deep.a.b.example.", "sub.example."}) {
    EXPECT_TRUE(builder.add_zone(name(apex)));
  }
  const Catalogue catalogue = builder.freeze();
  EXPECT_EQ(catalogue.size(), 4U);
  for (const Row& row : rows) {
    SCOPED_TRACE(row.asked);
    const auto zone = catalogue.enclosing(name(row.asked));
    EXPECT_EQ(zone ? zone->apex().to_text() : "", row.zone);
    const auto exact = catalogue.zone(name(row.asked));
    EXPECT_EQ(exact.has_value(), std::string_view(row.asked) == row.zone);
  }
  std::vector<std::string> order;
  catalogue.for_each([&](const ZoneSnapshot& zone) {
    order.push_back(zone.apex().to_text());
    return true;
  });
  EXPECT_EQ(order, (std::vector<std::string>{"example.", "deep.a.b.example.", "sub.example.",
                                             "example.org."}));
  EXPECT_TRUE(builder.add_zone(Name()));
  EXPECT_EQ(builder.working().enclosing(name("a.org."))->apex().to_text(), ".");
}

TEST(Catalogue, PrefetchChangesNothing) {
  CatalogueBuilder builder;
  const auto records = packed({Type::A, Type::TXT});
  for (const char* apex : {"example.", "sub.example.", "empty."}) builder.add_zone(name(apex));
  for (int host = 0; host < 20'000; ++host) {  // above what it leaves to the caches
    const std::string apex = host % 2 == 0 ? "example." : "sub.example.";
    builder.put(name(apex), name("h" + std::to_string(host) + "." + apex), RRsetsView(records));
  }
  const Catalogue catalogue = builder.freeze();
  const Name names[] = {name("h0.example."),
                        name("h1.sub.example."),
                        name("x.h2.example."),
                        name("h."),
                        name("."),
                        name("empty."),
                        name("a.empty."),
                        name("example."),
                        name("h19998.example.")};
  std::vector<NameView> views;
  for (int round = 0; round < 4; ++round)
    views.insert(views.end(), std::begin(names), std::end(names));
  for (std::size_t count = 0; count <= views.size(); ++count) {
    std::vector<Glimpse> glimpses(count);
    catalogue.prefetch(std::span(views).first(count), glimpses);
  }
  std::vector<Glimpse> glimpses(views.size());
  Catalogue().prefetch(views, glimpses);
  EXPECT_FALSE(Catalogue().recall(views[0], glimpses[0]));
  EXPECT_EQ(catalogue.enclosing(names[8])->find(names[8]).kind, Kind::EXACT);
  EXPECT_EQ(catalogue.enclosing(names[2])->find(names[2]).kind, Kind::ABSENT);
}

// What is recalled is what a whole way down says; and names for which it may say more are not.
TEST(Catalogue, RecallsPlainNamesOnly) {
  CatalogueBuilder builder;
  const auto records = packed({Type::A, Type::TXT});
  const auto cut = packed({Type::NS});
  const auto redirection = packed({Type::DNAME});
  for (const char* apex : {"example.", "sub.example.", "deep.sub.example.", "empty."}) {
    builder.add_zone(name(apex));
    if (std::string_view(apex) != "empty.")
      builder.put(name(apex), name(apex), RRsetsView(records));
  }
  for (int host = 0; host < 20'000; ++host) {
    builder.put(name("example."), name("h" + std::to_string(host) + ".example."),
                RRsetsView(records));
  }
  for (const char* owner : {"www.sub.example.", "*.wild.sub.example.", "a.b.sub.example."}) {
    builder.put(name("sub.example."), name(owner), RRsetsView(records));
  }
  builder.put(name("example."), name("cut.example."), RRsetsView(cut));
  builder.put(name("example."), name("ns.cut.example."), RRsetsView(records));
  builder.put(name("example."), name("red.example."), RRsetsView(redirection));
  builder.put(name("example."), name("below.red.example."), RRsetsView(records));
  const Catalogue catalogue = builder.freeze();

  struct Case {
    const char* name;
    bool is_plain;
  };
  const Case cases[] = {
      {"h0.example.", true},
      {"H19999.EXAMPLE.", true},
      {"www.sub.example.", true},
      {"*.wild.sub.example.", true},
      {"example.", false},               // the apex
      {"sub.example.", false},           // one of a zone within
      {"h20000.example.", false},        // no such name
      {"h.example.", false},             //
      {"x.h0.example.", false},          //
      {"x.wild.sub.example.", false},    // by a wildcard
      {"b.sub.example.", false},         // an empty non-terminal
      {"h0.sub.example.", false},        // that of another zone
      {"www.deep.sub.example.", false},  // a zone without names
      {"a.empty.", false},               //
      {"cut.example.", false},           // a zone cut, and below it
      {"ns.cut.example.", false},        //
      {"red.example.", false},           // a DNAME, and below it
      {"below.red.example.", false},     //
      {"www.org.", false},               // no zone of ours
      {".", false},
  };
  std::vector<Name> names;
  for (const Case& one : cases) names.push_back(name(one.name));
  const std::vector<NameView> views(names.begin(), names.end());
  std::vector<Glimpse> glimpses(views.size());
  catalogue.prefetch(views, glimpses);
  for (std::size_t i = 0; i < views.size(); ++i) {
    SCOPED_TRACE(cases[i].name);
    const auto recalled = catalogue.recall(views[i], glimpses[i]);
    EXPECT_EQ(recalled.has_value(), cases[i].is_plain);
    if (!recalled) continue;
    EXPECT_EQ(recalled->zone.apex(), catalogue.enclosing(views[i])->apex());
    EXPECT_EQ(recalled->rrsets.packed().data(),
              catalogue.enclosing(views[i])->find(views[i]).rrsets.packed().data());
  }
  // A guess that is of another name, or of nothing, is not believed.
  for (const NameView view : views) {
    const auto recalled = catalogue.recall(view, glimpses[0]);
    EXPECT_EQ(recalled.has_value(), view == views[0]);
    EXPECT_FALSE(catalogue.recall(view, Glimpse{}));
  }
}

TEST(CatalogueBuilder, RefusesWhatItCannotKeep) {
  CatalogueBuilder builder(std::size_t{1} << 20);
  const Name apex = name("example.");
  EXPECT_THROW(builder.put(apex, apex, RRsetsView(packed({Type::A}))), std::invalid_argument);
  EXPECT_FALSE(builder.remove_zone(apex));
  builder.add_zone(apex);
  builder.put(apex, apex, RRsetsView(packed({Type::SOA}, 1)));
  const Catalogue before = builder.freeze();
  const std::size_t memory = builder.memory_octets();
  for (int round = 0; round < 3; ++round) {
    const auto records = packed({Type::A});
    EXPECT_THROW(
        for (std::uint32_t host = 0;; ++host) {
          builder.put(apex, name("h" + std::to_string(host) + ".example."), RRsetsView(records));
        },
        std::bad_alloc);
    builder.rollback();
    EXPECT_EQ(builder.memory_octets(), memory);
    EXPECT_EQ(builder.working().zone(apex)->name_count(), 1U);
    EXPECT_EQ(before.zone(apex)->serial(), 1U);
  }
  builder.put(apex, name("a.example."), RRsetsView(packed({Type::A})));
  EXPECT_EQ(builder.freeze().zone(apex)->name_count(), 2U);
}

TEST(CatalogueBuilder, AddLeavesWhatIsThere) {
  const Name apex = name("example.");
  CatalogueBuilder builder;
  EXPECT_THROW(builder.add(apex, apex, RRsetsView(packed({Type::NS}))), std::invalid_argument);
  fill(builder, "example.", WILDCARD_ZONE);
  const Catalogue before = builder.freeze();
  const std::size_t octets = builder.memory_octets();
  for (const Owner& owner : WILDCARD_ZONE) {
    SCOPED_TRACE(owner.name);
    std::string spelled = owner.name;
    std::ranges::transform(spelled, spelled.begin(),
                           [](char c) { return static_cast<char>(std::toupper(c)); });
    const auto present = builder.add(apex, name(spelled), RRsetsView(packed({Type::A})));
    ASSERT_TRUE(present);
    const Name there = name(owner.name);
    EXPECT_TRUE(
        std::ranges::equal(present->labels, there.wire().first(there.size() - apex.size())));
    EXPECT_TRUE(std::ranges::equal(present->rrsets.packed(), packed(owner.types)));
  }
  const ZoneSnapshot zone = *builder.working().zone(apex);
  EXPECT_EQ(zone.record_count(), before.zone(apex)->record_count());
  EXPECT_EQ(zone.name_count(), WILDCARD_ZONE.size());
  EXPECT_FALSE(zone.find(name("host.subdel.example.")).cut.empty());
  EXPECT_EQ(zone.soa().packed()[1], static_cast<std::uint8_t>(Type::SOA));
  EXPECT_FALSE(builder.add(apex, name("new.example."), RRsetsView(packed({Type::A}))));
  EXPECT_TRUE(builder.working().zone(apex)->exists(name("new.example.")));
  EXPECT_FALSE(before.zone(apex)->exists(name("new.example.")));
  builder.rollback();
  EXPECT_EQ(builder.memory_octets(), octets);
}

TEST(CatalogueBuilder, MemoryReturns) {
  CatalogueBuilder builder;
  const std::size_t at_start = builder.memory_octets();
  const Name apex = name("example.");
  const Name other = name("other.");
  builder.add_zone(other);
  builder.put(other, other, RRsetsView(packed({Type::SOA})));
  builder.freeze();
  const std::size_t with_other = builder.memory_octets();
  for (int round = 0; round < 2; ++round) {
    builder.add_zone(apex);
    for (int host = 0; host < 1000; ++host) {
      builder.put(apex, name("h" + std::to_string(host * 7 % 1000) + ".example."),
                  RRsetsView(packed({Type::A, Type::TXT}, static_cast<std::uint32_t>(host))));
      if (host % 100 == 99) builder.freeze();
    }
    builder.reclaim(builder.version());
    const std::size_t full = builder.memory_octets();
    EXPECT_GT(full, with_other + 1000 * 40);
    for (int host = 0; host < 1000; ++host) {  // replaced by what is as large
      builder.put(apex, name("h" + std::to_string(host) + ".example."),
                  RRsetsView(packed({Type::A, Type::TXT}, 1)));
      builder.freeze();
      builder.reclaim(builder.version());
    }
    EXPECT_EQ(builder.memory_octets(), full);
    if (round == 0) {
      for (int host = 0; host < 1000; ++host) {
        builder.put(apex, name("h" + std::to_string(host) + ".example."), RRsetsView());
        if (host % 100 == 99) builder.freeze();
      }
    }
    EXPECT_TRUE(builder.remove_zone(apex));
    builder.freeze();
    EXPECT_GT(builder.memory_octets(), with_other);  // older versions may be in use
    builder.reclaim(builder.version());
    EXPECT_EQ(builder.memory_octets(), with_other);
  }
  builder.remove_zone(other);
  builder.freeze();
  builder.reclaim(builder.version());
  EXPECT_EQ(builder.memory_octets(), at_start);
}

TEST(CatalogueBuilder, NothingChangedIsNothingCopied) {
  CatalogueBuilder builder;
  fill(builder, "example.", WILDCARD_ZONE).freeze();
  const std::size_t memory = builder.memory_octets();
  builder.put(name("example."), name("nobody.example."), RRsetsView());
  EXPECT_EQ(builder.memory_octets(), memory);
}

// Names close to each other, so that every kind of neighbourhood comes up.
class NameSource {
 public:
  explicit NameSource(std::uint32_t seed) : random_(seed) {}
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
  Name below(NameView apex) {
    static constexpr std::string_view OCTETS = "abA*-0_z\xff\x01Z\x80";
    Name result(apex);
    for (std::uint32_t labels = below(5); labels > 0; --labels) {
      std::vector<std::uint8_t> wire = {
          static_cast<std::uint8_t>(1 + below(below(3) == 0 ? 3 : 1))};
      for (std::uint8_t left = wire[0]; left > 0; --left) {
        wire.push_back(static_cast<std::uint8_t>(
            OCTETS[below(static_cast<std::uint32_t>(below(2) == 0 ? OCTETS.size() : 4))]));
      }
      wire.push_back(0);
      result = *Name::join(*Name::from_wire(wire), result);
    }
    return result;
  }
  std::vector<std::uint8_t> records() {
    std::vector<Type> types;
    if (below(2) == 0) types.push_back(Type::A);
    if (below(8) == 0) types.push_back(Type::NS);
    if (below(4) == 0) types.push_back(Type::SOA);
    if (below(2) == 0) types.push_back(Type::TXT);
    if (below(8) == 0) types.push_back(Type::DNAME);
    return packed(types, below(1000));  // now and then none: the name goes
  }

 private:
  std::mt19937 random_;
};

struct FrozenVersion {
  std::uint64_t version;
  Catalogue catalogue;
  std::map<Name, ZoneModel> model;
};

void expect_same(const Catalogue& catalogue, const std::map<Name, ZoneModel>& model) {
  EXPECT_EQ(catalogue.size(), model.size());
  for (const auto& [apex, zone] : model) {
    const auto found = catalogue.zone(apex);
    ASSERT_TRUE(found.has_value());
    zone.expect_same_zone(*found);
  }
}

TEST(CatalogueBuilder, EqualsTheModelInEveryVersion) {
  const Name apexes[] = {name("example."), name("a.example."), name("Z.")};
  for (std::uint32_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE(seed);
    NameSource source(seed);
    CatalogueBuilder builder;
    std::map<Name, ZoneModel> model;
    std::deque<FrozenVersion> frozen;
    frozen.push_back({0, builder.working(), model});
    for (int step = 0; step < 4000; ++step) {
      const Name& apex = apexes[source.below(3)];
      const auto zone = model.find(apex);
      const std::uint32_t dice = source.below(1000);
      if (zone == model.end()) {
        ASSERT_TRUE(builder.add_zone(apex));
        model.emplace(apex, ZoneModel(apex));
      } else if (dice < 4) {
        ASSERT_TRUE(builder.remove_zone(apex));
        model.erase(zone);
      } else if (dice < 30) {
        builder.rollback();
        model = frozen.back().model;
      } else if (dice < 80) {
        const Catalogue catalogue = builder.freeze();
        frozen.push_back({builder.version(), catalogue, model});
      } else if (dice < 100) {
        while (frozen.size() > 1 && source.below(3) != 0) frozen.pop_front();
        builder.reclaim(frozen.front().version);
      } else if (dice < 700) {
        const Name owner = source.below(apex);
        const auto records = source.records();
        builder.put(apex, owner, RRsetsView(records));
        zone->second.put(owner, records);
      } else if (dice < 720) {  // many in canonical order
        std::map<Name, std::vector<std::uint8_t>> names;
        for (int count = 0; count < 30; ++count) names[source.below(apex)] = source.records();
        for (const auto& [owner, records] : names) {
          builder.put(apex, owner, RRsetsView(records));
          zone->second.put(owner, records);
        }
      } else {
        const Name asked = source.below(apex);
        zone->second.expect_same_lookup(*builder.working().zone(apex), asked);
        std::vector<Name> after;
        builder.working().zone(apex)->for_each_after(asked, [&](NameView owner, RRsetsView) {
          after.emplace_back(owner);
          return after.size() < 3;
        });
        auto next = zone->second.names().upper_bound(asked);
        for (const Name& owner : after) {
          ASSERT_NE(next, zone->second.names().end());
          EXPECT_EQ(owner, next++->first);
        }
        EXPECT_TRUE(after.size() == 3 || next == zone->second.names().end());
        const FrozenVersion& old = frozen[source.below(static_cast<std::uint32_t>(frozen.size()))];
        if (const auto then = old.model.find(apex); then != old.model.end()) {
          then->second.expect_same_lookup(*old.catalogue.zone(apex), asked);
        }
      }
      if (step % 100 == 0) {
        expect_same(builder.working(), model);
        for (const FrozenVersion& old : frozen) expect_same(old.catalogue, old.model);
      }
      if (HasFailure()) return;
    }
    for (const auto& [apex, zone] : model) builder.remove_zone(apex);
    builder.freeze();
    builder.reclaim(builder.version());
    EXPECT_EQ(builder.memory_octets(), 0U);
  }
}

// One writer, readers that announce the version they look at as the server's workers do. Whatever
// they see is one version: all hosts of it carry the zone's serial.
TEST(CatalogueBuilder, ReadersWhileItWrites) {
  constexpr int HOSTS = 50;
  constexpr int READERS = 2;
  constexpr std::uint64_t VERSIONS = 400;
  constexpr std::uint64_t IDLE = ~std::uint64_t{0};
  const Name apex = name("example.");
  std::vector<Name> hosts;
  for (int host = 0; host < HOSTS; ++host)
    hosts.push_back(name("h" + std::to_string(host) + ".example."));

  CatalogueBuilder builder;
  const auto write = [&](std::uint32_t serial) {
    builder.put(apex, apex, RRsetsView(packed({Type::SOA}, serial)));
    for (const Name& host : hosts) builder.put(apex, host, RRsetsView(packed({Type::A}, serial)));
  };
  builder.add_zone(apex);
  write(1);
  std::deque<Catalogue> published(1, builder.freeze());  // references stay valid
  std::atomic<const Catalogue*> newest = &published.back();
  std::atomic<std::uint64_t> newest_version = builder.version();
  std::atomic<std::uint64_t> announced[READERS];
  for (auto& version : announced) version = IDLE;
  std::atomic<bool> done = false;
  std::atomic<std::uint64_t> wrong = 0;
  std::atomic<std::uint64_t> looked = 0;

  std::vector<std::thread> readers;
  for (int reader = 0; reader < READERS; ++reader) {
    readers.emplace_back([&, reader] {
      do {
        std::uint64_t version = newest_version;
        do {  // announce, then make sure that the writer had not yet passed by
          announced[reader] = version;
        } while (version != newest_version && (version = newest_version, true));
        const Catalogue& catalogue = *newest;
        const auto zone = catalogue.zone(apex);
        const Rdata want = sample_rdata(Type::A, zone->serial());
        for (const Name& host : hosts) {
          const Lookup found = zone->find(host);
          if (found.kind != Kind::EXACT || !found.rrsets.find(Type::A).contains(want)) ++wrong;
        }
        ++looked;
        announced[reader] = IDLE;
      } while (!done);
    });
  }
  for (std::uint64_t version = 2; version <= VERSIONS; ++version) {
    write(static_cast<std::uint32_t>(version));
    if (version % 7 == 0) {
      builder.rollback();
      write(static_cast<std::uint32_t>(version));
    }
    published.push_back(builder.freeze());
    newest = &published.back();
    newest_version = builder.version();
    std::uint64_t oldest = builder.version();
    for (const auto& in_use : announced) oldest = std::min<std::uint64_t>(oldest, in_use);
    builder.reclaim(oldest);
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_GE(looked, std::uint64_t{READERS});
}

}  // namespace
}  // namespace zones
