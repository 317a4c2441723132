#!/usr/bin/env python3
"""Runs fuzz targets a counted number of times, and tells which lines of the parsers they have reached.

    fuzz.py run TARGET SEEDS RUNS FOLDER
    fuzz.py must-crash TARGET SEEDS RUNS FOLDER
    fuzz.py coverage SOURCE FOLDER BIN TARGETS…

FOLDER takes inputs that were found (FOLDER/<target>-*) and the coverage profiles. coverage also writes its table to the
file descriptor named in DNSD_REPORT_FD, since ctest keeps what a test prints to itself.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

WANTED_PERCENT = 90
PACKETS = ["message_fuzz", "query_fuzz", "tsig_fuzz", "dispatch_fuzz", "pcp_fuzz"]
# What reads octets or text from outside.
PARSERS = [
    "zones/wire_reader.cpp", "zones/wire_reader.h", "zones/message.cpp", "zones/rdata.cpp", "zones/edns.cpp",
    "zones/name.cpp", "zones/text.cpp", "zones/presentation.cpp", "zones/zone_file.cpp", "zones/journal_codec.cpp",
    "zones/zone_parser.cpp", "zones/rdata_scanner.cpp",
    "keys/tsig.cpp", "keys/tsig_record.cpp", "keys/tsig_client.cpp", "keys/key_file.cpp",
    "zones/update_lease.cpp", "keys/sig0.cpp", "keys/public_key.cpp",
    "keys/key_file_parsers.cpp", "dnsd/request_parse.cpp",
    "dnsd/config.cpp", "dnsd/config_fields.cpp", "dnsd/config_keys.cpp", "dnsd/config_sig0.cpp",
    "dnsd/http/target.cpp", "dnsd/http/request_parser.cpp", "dnsd/http/accept.cpp",
    "dnsd/http/forwarded.cpp", "dnsd/http/proxy_protocol.cpp",
    "dnsd/config_admin.cpp", "dnsd/http/dyndns_request.cpp", "dnsd/http/form.cpp", "dnsd/http/login.cpp",
    "tools/dnsd-update/script.cpp", "tools/dnsd-update/words.cpp", "tools/dnsd-update/service.cpp",
    "tools/pcp-ddns/pcp_message.cpp", "tools/pcp-ddns/pcp_client.cpp", "tools/pcp-ddns/mapping.cpp",
    "tools/common/join_token.cpp",
]


def fuzz(target, seeds, runs, folder):
    """Runs a target; its exit status and output."""
    os.makedirs(folder, exist_ok=True)
    name = os.path.basename(target)
    environment = dict(os.environ, LLVM_PROFILE_FILE=os.path.join(folder, f"{name}.profraw"))
    with tempfile.TemporaryDirectory(prefix="dnsd-fuzz-") as found:
        ran = subprocess.run(
            [target, f"-runs={runs}", "-seed=1", "-max_len=4096", "-timeout=20", "-rss_limit_mb=4096",
             "-print_final_stats=1", f"-artifact_prefix={folder}/{name}-", found]
            + ([seeds] if os.path.isdir(seeds) else []),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment)
    return ran.returncode, ran.stdout


def run(target, seeds, runs, folder):
    status, output = fuzz(target, seeds, runs, folder)
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", output)
    if status != 0 or not executed:
        sys.exit(f"{output}\nfuzz: {os.path.basename(target)} found something (status {status})")
    if int(executed[1]) < int(runs):
        sys.exit(f"{output}\nfuzz: only {executed[1]} of {runs} inputs were run")
    with open(os.path.join(folder, f"{os.path.basename(target)}.count"), "w") as count:
        count.write(executed[1])
    print(f"{os.path.basename(target)}: {executed[1]} inputs without a finding")


def must_crash(target, seeds, runs, folder):
    status, output = fuzz(target, seeds, runs, folder)
    for name in os.listdir(folder):
        if name.startswith(os.path.basename(target) + "-crash"):
            os.remove(os.path.join(folder, name))
    if status == 0 or "heap-buffer-overflow" not in output:
        sys.exit(f"{output}\nfuzz: the planted out-of-bounds read was not found")
    print(f"the planted out-of-bounds read was found: {re.search('.*heap-buffer-overflow.*', output)[0]}")


def tool(name):
    """llvm-cov and llvm-profdata belong to the compiler's version."""
    version = re.search(r"version (\d+)", subprocess.run(["clang", "--version"], capture_output=True, text=True).stdout)[1]
    return f"{name}-{version}"


def coverage(source, folder, binaries, *targets):
    profile = os.path.join(folder, "all.profdata")
    subprocess.run([tool("llvm-profdata"), "merge", "-sparse", "-o", profile]
                   + [os.path.join(folder, f"{name}.profraw") for name in targets], check=True)
    objects = [os.path.join(binaries, name) for name in targets]
    exported = subprocess.run(
        [tool("llvm-cov"), "export", "-summary-only", f"-instr-profile={profile}", objects[0]]
        + [f"-object={path}" for path in objects[1:]], check=True, capture_output=True, text=True).stdout
    lines = []
    total = [0, 0]
    # Paths lead through the links by which a layer is included.
    files = {os.path.relpath(os.path.realpath(file["filename"]), os.path.realpath(source)): file["summary"]["lines"]
             for file in json.loads(exported)["data"][0]["files"]}
    missing = sorted(set(PARSERS) - set(files))
    if missing:
        sys.exit(f"fuzz: no target has {', '.join(missing)}; update the list of parsers")
    for name in PARSERS:
        counted = files[name]
        total = [total[0] + counted["covered"], total[1] + counted["count"]]
        lines.append(f"  {counted['percent']:6.1f} %  {counted['covered']:5} of {counted['count']:5}  {name}")
    percent = 100 * total[0] / max(1, total[1])
    lines.append(f"  {percent:6.1f} %  {total[0]:5} of {total[1]:5}  all of them")
    inputs = {}
    for name in targets:
        with open(os.path.join(folder, f"{name}.count")) as count:
            inputs[name] = int(count.read())
    packets = sum(count for name, count in inputs.items() if name in PACKETS)
    lines.append(f"Inputs without a finding under the sanitizers: {packets:,} packets ({', '.join(PACKETS)}), "
                 f"{sum(inputs.values()) - packets:,} other texts and records")
    report = "Lines of the parsers that fuzzing reached:\n" + "\n".join(lines) + "\n"
    print(report)
    if "DNSD_REPORT_FD" in os.environ:
        try:
            os.write(int(os.environ["DNSD_REPORT_FD"]), report.encode())
        except OSError:
            pass
    if percent < WANTED_PERCENT:
        sys.exit(f"fuzz: {percent:.1f} % is less than {WANTED_PERCENT} %")


if __name__ == "__main__":
    commands = {"run": run, "must-crash": must_crash, "coverage": coverage}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
