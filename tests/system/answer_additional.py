"""What zones say of the additional section: which glue is owed (RFC 9471), and what else may be there."""
from answer_message import A, AAAA, HTTPS, NS, DNAME, SVCB, OPT_OCTETS, is_at_or_below, suffixes

OWN_UDP_OCTETS = 1232
TARGETS = {NS: 0, 15: 2, 33: 6, SVCB: 2, HTTPS: 2}  # where the name begins


class Served:
    """@param zones  {origin in wire form: {(owner, type): (TTL, RDATAs)}}"""

    def __init__(self, zones):
        self.zones = zones
        self.names = {origin: {suffix for owner, _ in zone for suffix in suffixes(owner) if is_at_or_below(suffix, origin)}
                      for origin, zone in zones.items()}  # empty non-terminals as well

    def enclosing(self, name):
        """The origin of the zone with the longest one at or above the name; None when there is none."""
        return next((suffix for suffix in suffixes(name) if suffix in self.zones), None)

    def is_hidden(self, origin, name):
        """At or below a cut, or below a DNAME."""
        zone = self.zones[origin]
        for ancestor in suffixes(name):
            if ancestor == origin:
                return ancestor != name and (origin, DNAME) in zone
            if (ancestor, NS) in zone or ancestor != name and (ancestor, DNAME) in zone:
                return True
        return False

    def is_shared(self, name):
        """The name, or one above it, or a wildcard beside these, is in two zones, one of which is below the other."""
        for suffix in suffixes(name):
            for sibling in (suffix, b"\1*" + suffix[suffix[0] + 1:]):
                if sum(sibling in names for names in self.names.values()) > 1:
                    return True
        return False

    def owed_glue(self, authority):
        """{(owner, type)} of the addresses below the cut that a referral leads to (RFC 9471 3.1)."""
        owed = set()
        for cut, rtype, _, _, servers in authority:
            if rtype != NS:
                continue
            zone = self.zones[self.enclosing(cut[cut[0] + 1:])]
            for server in map(bytes.lower, servers):
                if is_at_or_below(server, cut):
                    owed |= {(server, kind) for kind in (A, AAAA) if (server, kind) in zone}
        return owed

    def problems(self, answer):
        """What is wrong with the additional section of a whole answer."""
        found = []
        sources = set()
        for cut, rtype, *_ in answer.authority:
            if rtype == NS:
                sources.add(self.enclosing(cut[cut[0] + 1:]))
        targets = set()
        for owner, rtype, _, _, rdatas in (*answer.answer, *answer.authority, *answer.additional):
            if rtype in TARGETS:
                for rdata in rdatas:
                    name = first_name(rdata[TARGETS[rtype]:].lower())
                    targets.add(owner if name == b"\0" else name)
        given = set()
        for owner, rtype, rclass, ttl, rdatas in answer.additional:
            if (owner, rtype) in given:
                found.append(f"additional RRset twice, type {rtype}")
            given.add((owner, rtype))
            if rtype not in (A, AAAA, SVCB, HTTPS) or owner not in targets:
                found.append(f"nobody asked for the additional record of {owner} type {rtype}")
                continue
            origin = self.enclosing(owner)
            places = {source for source in sources if is_at_or_below(owner, source)}
            if origin and not self.is_hidden(origin, owner):
                places.add(origin)
            if (rclass, ttl, frozenset(rdatas)) not in [(1, *self.zones[place].get((owner, rtype), ())) for place in places]:
                found.append(f"no zone's RRset in the additional section: {owner} type {rtype}")
        for owner, rtype in sorted(self.owed_glue(answer.authority) - given):
            found.append(f"glue is missing: {owner} type {rtype}")
        return found

    def owed_octets(self, question, answer):
        """What an answer over UDP would need, going by the one over TCP: without what is not owed (RFC 2181 9)."""
        owed = self.owed_glue(answer.authority)
        end = answer.question_end
        for section, owner, rtype, after in answer.records:
            if section == 2 and (owner, rtype) not in owed:
                break
            end = after
        return end + (OPT_OCTETS if question.edns else 0)


def udp_limit(question):
    return max(512, min(question.edns.udp_octets, OWN_UDP_OCTETS)) if question.edns else 512


def first_name(octets):
    at = 0
    while octets[at]:
        at += octets[at] + 1
    return octets[:at + 1]
