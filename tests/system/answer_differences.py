"""Where BIND 9.18, Knot 3.2 and NSD 4.6 do not answer as dnsd does: the whole list.

Each entry makes of dnsd's answer what a server's is; answer_differential_test.py applies those of a server in turn and fails
when anything is left, and when an entry did nothing in a full run. `right` tells who does what the clause says.
"""
import dataclasses
import typing

import update_model
from answer_additional import Served
from answer_malformed import SILENCE
from answer_message import (AA, AD, ANY, CD, CNAME, DNAME, DS, FORMERR, IN, NOERROR, NOTIMP, NXDOMAIN, QR, REFUSED, SERVFAIL, YXDOMAIN, Edns,
                            Outcome, Question, is_at_or_below)
from answer_questions import CH, IDENTITIES


@dataclasses.dataclass
class Case:
    question: Question
    theirs: Outcome
    served: Served

    def zone_of(self, name):
        """The origin of the zone that answers for the name, as RFC 4035 3.1.4.1 has it for DS; None for none of ours."""
        origin = self.served.enclosing(name)
        if self.question.type == DS and name == origin:
            return self.served.enclosing(name[name[0] + 1:]) or origin
        return origin


@dataclasses.dataclass
class Difference:
    clause: str
    what: str
    right: str
    servers: dict  # name: (an outcome as dnsd's, Case) -> the server's


ANSWERED = (NOERROR, NXDOMAIN, REFUSED, YXDOMAIN)  # as if all were well


@dataclasses.dataclass
class OfPackets(Difference):
    """Of messages that are not well formed."""
    rcodes: dict  # (server, kind of packet): the RCODEs that it has instead


def same(ours, case):
    return ours


def identity(ours, case):
    return case.theirs if case.question.rclass == CH and case.question.name in IDENTITIES else ours


def chain(answer):
    """(number, owner, target) of the CNAMEs in an answer."""
    return [(number, owner, rdatas[0].lower()) for number, (owner, rtype, _, _, rdatas) in enumerate(answer) if rtype == CNAME]


def lower_names(ours, case):
    """Of both outcomes: explain() does it to the server's as well."""
    def lowered(section):
        return tuple((*rrset[:4], tuple(sorted(update_model.normal(rrset[1], rdata) for rdata in rrset[4]))) for rrset in section)
    return ours._replace(answer=lowered(ours.answer), authority=lowered(ours.authority))


def without_cd(ours, case):
    return ours._replace(flags=ours.flags & ~CD)


def opt_of_class_in(ours, case):
    edns = case.question.edns
    if edns and edns.udp_octets == IN and not edns.options:
        return ours._replace(rcode=FORMERR, flags=ours.flags & ~AA, answer=(), authority=(), edns=None)
    return ours


def flags_with_badvers(ours, case):
    if case.question.edns and case.question.edns.version != 0:
        return ours._replace(flags=QR | case.question.flags & ~AD, edns=Edns(0))
    return ours


def is_meta(rtype):
    return rtype in (0, 41) or 128 <= rtype < ANY


def refused_meta(ours, case):
    rtype = case.question.type
    if is_meta(rtype) and case.question.rclass == IN:
        return case.theirs if rtype == 0 else ours._replace(rcode=NOTIMP if rtype in (253, 254) else FORMERR)
    return ours


def answered_meta(ours, case):
    return case.theirs if is_meta(case.question.type) and case.question.rclass == IN else ours


def rcode_of_class(ours, case):
    rclass = case.question.rclass
    if rclass in (0, 254, 255):
        return ours._replace(rcode=FORMERR)
    return ours._replace(rcode=NOTIMP) if rclass not in (IN, 3, 4) else ours


def no_question(ours, case):
    return ours._replace(question=b"") if case.question.rclass not in (IN, 3, 255) else ours


def answered_class_any(ours, case):
    return case.theirs if case.question.rclass == 255 and case.served.enclosing(case.question.name.lower()) else ours


def one_rrset(ours, case):
    theirs = case.theirs.answer
    if case.question.type == ANY and len(theirs) == 1 and theirs[0] in ours.answer:
        return ours._replace(answer=theirs)
    return ours


def without_ds(ours, case):
    if case.question.type == ANY:
        answer = tuple(rrset for rrset in ours.answer if rrset[1] != DS)
        return ours._replace(answer=answer, flags=ours.flags if answer else ours.flags | case.theirs.flags & AD)
    return ours


def by_owner(ours, case):
    return ours._replace(answer=case.theirs.answer) if sorted(ours.answer) == sorted(case.theirs.answer) else ours


def dname_twice(ours, case):
    answer = case.theirs.answer
    if case.question.type == DNAME and answer[:-1] == ours.answer and answer[-1] in ours.answer:
        return ours._replace(answer=answer)
    return ours


def any_followed(ours, case):
    theirs = case.theirs
    if case.question.type == ANY and DNAME in [rtype for _, rtype, *_ in ours.answer] and set(ours.answer) <= set(theirs.answer):
        return theirs
    return ours


def within_zone(ours, case):
    """Nothing is followed out of the zone; for DS at its own apex it is asked itself."""
    zone = case.zone_of(case.question.name.lower())
    for number, _, target in chain(ours.answer):
        if target == zone and case.question.type == DS and case.theirs.answer == ours.answer[:number + 1]:
            return ours._replace(answer=case.theirs.answer, authority=case.theirs.authority)
        if case.zone_of(target) not in (zone, None):
            return ours._replace(rcode=NOERROR, answer=ours.answer[:number + 1], authority=())
    return ours


def within_zone_and_below(ours, case):
    """As within_zone(), but a zone below it is the parent's view of it: what that is, is not judged."""
    zone = case.zone_of(case.question.name.lower())
    for number, _, target in chain(ours.answer):
        if case.zone_of(target) not in (zone, None):
            if is_at_or_below(target, zone) and case.theirs.answer[:number + 1] == ours.answer[:number + 1]:
                return case.theirs
            break
    return within_zone(ours, case)


def loop_fails(ours, case):
    owners = set()
    for _, owner, target in chain(ours.answer):
        owners.add(owner)
        if target in owners:
            return ours._replace(rcode=SERVFAIL)
    if len(owners) >= 8 and case.theirs.answer[:len(ours.answer)] == ours.answer:
        return case.theirs
    return ours


def other_chain(ours, case):
    theirs = case.theirs.answer
    if tuple(dict.fromkeys((*rrset[:4], tuple(dict.fromkeys(rrset[4]))) for rrset in theirs)) == ours.answer:  # a loop, more than once
        return ours._replace(answer=theirs)
    if len(chain(ours.answer)) > len(chain(theirs)) >= 1 and ours.answer[:len(theirs)] == theirs:
        return ours._replace(rcode=NOERROR, answer=theirs, authority=())
    return ours


def goes_on_after_yxdomain(ours, case):
    theirs = case.theirs
    if ours.rcode == YXDOMAIN and theirs.rcode in (YXDOMAIN, NXDOMAIN) and theirs.answer[:len(ours.answer)] == ours.answer:
        return theirs._replace(flags=ours.flags)
    return ours


def not_followed(*types):
    """A CNAME is no answer for these, nor followed."""
    def adapt(ours, case):
        if case.question.type in types and chain(ours.answer):
            return ours._replace(rcode=case.theirs.rcode, answer=case.theirs.answer, authority=case.theirs.authority)
        return ours
    return adapt


def names_of_other_zones(ours, case):
    """Where another zone has the name, or a wildcard for it, or what is above it: what NSD makes of that is not judged."""
    names = [case.question.name.lower(), *(target for _, _, target in chain(ours.answer))]
    return case.theirs if any(map(case.served.is_shared, names)) else ours


DIFFERENCES = {
    "letter-case": Difference(
        "RFC 4343 4.1: the case of stored data is preserved where it can be",
        "Knot and NSD compress names to what is written in another case, and NSD keeps some names in lower case", "dnsd, BIND",
        {"Knot": lower_names, "NSD": lower_names}),
    "cd": Difference("RFC 4035 3.1.6: CD is copied", "Knot and NSD clear it", "dnsd, BIND", {"Knot": without_cd, "NSD": without_cd}),
    "opt-of-class-in": Difference(
        "RFC 6891 6.2.3: a size below 512 is 512", "Knot has FORMERR, without OPT, for a size of 1, which is the number of class IN",
        "dnsd, BIND, NSD", {"Knot": opt_of_class_in}),
    "badvers": Difference(
        "RFC 1035 4.1.1: Z is zero, AA and RA the server's; RFC 3225 3: DO is copied",
        "NSD sends the request's flags back with BADVERS, and clears DO", "dnsd, BIND, Knot", {"NSD": flags_with_badvers}),
    "meta-types": Difference(
        "RFC 6895 3.1: 0, OPT and 128 to 254 are no types of data; RFC 1035 4.1.1 has FORMERR and NOTIMP for what is not understood",
        "dnsd has FORMERR, and NOTIMP for MAILA, MAILB and TKEY; BIND the same, but for 0 (as any type) and TKEY (FORMERR); for Knot and NSD "
        "they are types as any other, but 0 for Knot (NOTIMP)", "all: no RFC decides", {"BIND": refused_meta, "Knot": answered_meta, "NSD": answered_meta}),
    "class": Difference(
        "RFC 1035 4.1.1, 4.1.2: REFUSED, with the question",
        "BIND has FORMERR or NOTIMP for classes that it does not know; NSD leaves the question out",
        "dnsd, Knot", {"BIND": rcode_of_class, "NSD": no_question}),
    "class-any": Difference(
        "RFC 1035 3.2.5, RFC 1034 3.7.1: a QCLASS; a server of one class is not obliged to match it",
        "Knot and NSD answer for their zones, dnsd has REFUSED", "all", {"Knot": answered_class_any, "NSD": answered_class_any}),
    "any": Difference(
        "RFC 8482 4.1: a subset of the RRsets will do", "Knot and NSD give one RRset over TCP as well, dnsd all, BIND all but DS", "all",
        {"BIND": without_ds, "Knot": one_rrset, "NSD": one_rrset}),
    "any-below-dname": Difference(
        "RFC 6672 3.2: back to step 1; RFC 8482 4.1: a subset of the RRsets will do",
        "dnsd and BIND answer ANY below a DNAME with it and the CNAME, Knot and NSD go on", "all",
        {"Knot": any_followed, "NSD": any_followed}),
    "order": Difference(
        "RFC 1034 4.3.2: copied as they are found, a DNAME's CNAME before what it leads to",
        "BIND puts RRsets of one owner together when a chain comes back to a name", "dnsd, Knot, NSD", {"BIND": by_owner}),
    "dname-twice": Difference(
        "RFC 2181 5: no record twice", "Knot has a DNAME again when its own CNAME leads to it", "dnsd, BIND, NSD", {"Knot": dname_twice}),
    "other-zone": Difference(
        "RFC 1034 4.3.2, RFC 6672 3.2: a CNAME leads back to the search for a zone",
        "BIND and Knot do not follow it out of the zone, and for Knot a child's zone is what its parent says of it", "dnsd, NSD",
        {"BIND": within_zone, "Knot": within_zone_and_below}),
    "long-chain": Difference(
        "RFC 1034 3.6.2: chains should be followed, loops signalled",
        "dnsd, Knot and NSD end a loop, or a chain that is too long for them, with NOERROR, BIND with SERVFAIL; dnsd follows 8 times, BIND "
        "more often, Knot 5 times, NSD leaves a DNAME that leads below itself after the first time", "BIND",
        {"BIND": loop_fails, "Knot": other_chain, "NSD": other_chain}),
    "yxdomain": Difference(
        "RFC 6672 3.2: the DNAME, YXDOMAIN, and exit", "Knot goes on at the DNAME's target: it adds the SOA and CNAMEs, or has NXDOMAIN",
        "dnsd, BIND, NSD", {"Knot": goes_on_after_yxdomain}),
    "beside-cname": Difference(
        "RFC 1034 4.3.2 3a: a CNAME is followed unless it is asked for",
        "BIND does not for the types that may stand beside it (SIG, KEY, NXT, RRSIG, NSEC), Knot for RRSIG and NSEC, NSD for NSEC3", "dnsd",
        {"BIND": not_followed(24, 25, 30, 46, 47), "Knot": not_followed(46, 47), "NSD": not_followed(50)}),
    "names-of-other-zones": Difference(
        "RFC 4592 2.2.2, RFC 8020 2: what exists is decided in the zone", "NSD takes names of a parent's or child's zone for existing ones",
        "dnsd, BIND, Knot", {"NSD": names_of_other_zones}),
    "identity": Difference(
        "RFC 4892 3: what a server tells of itself is for its operator to decide",
        "dnsd has REFUSED in class CH unless it is told what to say; the others have names of their own", "all",
        dict.fromkeys(("BIND", "Knot", "NSD"), identity)),
    "unanswered": OfPackets(
        "RFC 1035 4.1.1: FORMERR, NOTIMP",
        "Knot is silent when it cannot read the question, or finds several; NSD when it had many errors in one second", "dnsd, BIND",
        dict.fromkeys(("Knot", "NSD"), same),
        {("Knot", kind): (SILENCE,) for kind in ("cut-question", "label-type", "pointer", "long-name", "questions")}
        | {("NSD", kind): (SILENCE,) for kind in ("cut-question", "label-type", "pointer", "long-name", "questions", "opcode", "missing",
                                                  "cut-record", "two-opts", "opt-owner", "option-beyond", "tsig-before")}),
    "opt-owner": OfPackets(
        "RFC 6891 6.1.2: the owner of OPT MUST be 0", "Knot does not look at it", "dnsd, BIND, NSD", {"Knot": same},
        {("Knot", "opt-owner"): ANSWERED}),
    "cookie": OfPackets(
        "RFC 7873 5.2.2: FORMERR for a COOKIE of a wrong length", "Knot and NSD have cookies only where they are configured", "all",
        dict.fromkeys(("Knot", "NSD"), same), {("Knot", "cookie"): ANSWERED, ("NSD", "cookie"): ANSWERED}),
}


def explain(server, question, ours, theirs, served):
    """The names of the differences that make the one the other; None when they do not."""
    names = []
    case = Case(question, theirs, served)
    for name, difference in DIFFERENCES.items():
        adapt = difference.servers.get(server)
        if adapt is None or ours == case.theirs:
            continue
        before = ours, case.theirs
        ours = adapt(ours, case)
        if adapt is lower_names:
            case.theirs = adapt(theirs, case)
        if (ours, case.theirs) != before:
            names.append(name)
    return names if ours == case.theirs else None


def of_packet(server, packet, rcode):
    """The name of the difference that makes a server answer a malformed message so; None when there is none."""
    for name, difference in DIFFERENCES.items():
        if isinstance(difference, OfPackets) and rcode in difference.rcodes.get((server, packet.kind), ()):
            return name
    return None
