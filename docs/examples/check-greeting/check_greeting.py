"""check "greeting" of evenkeel, in Python: a real server is up when the first line that it sends begins as it should.

It speaks the plugin contract (docs/plugins.md, "The wire") by itself, with Debian's python3-grpcio and python3-protobuf.
To make another check of it, change NAME, SCHEMA, decode and look; the rest is the same for every check.
"""

import ipaddress
import json
import os
import queue
import random
import re
import signal
import socket
import sys
import threading
import time
from concurrent import futures

import grpc

import check_pb2
import plugin_pb2

NAME, VERSION = "greeting", "1.0.0"

SCHEMA = plugin_pb2.Schema(
    doc="Reads the first line that a real server sends.",
    attributes=[
        plugin_pb2.Attribute(
            name="begins_with",
            type="string",
            default_json=b'"welcome"',
            doc="how the first line begins that the real server sends",
        )
    ],
)


class Wrong(Exception):
    """A configuration that can't be used, and which attribute it is."""

    def __init__(self, summary, *path):
        super().__init__(summary)
        self.summary, self.path = summary, path


def decode(config_json):
    """Reads a block's JSON strictly: any wrong name, type or value is Wrong."""
    try:
        config = json.loads(config_json or b"{}")
    except (ValueError, RecursionError):
        raise Wrong("It is not JSON")
    if not isinstance(config, dict):
        raise Wrong("It is not a block")
    for name in config:
        if name != "begins_with":
            raise Wrong("There is no such attribute", name[:64])
    begins = config.get("begins_with", "welcome")
    if not isinstance(begins, str) or not begins:
        raise Wrong("It must be a text that is not empty", "begins_with")
    return begins


class Down(Exception):
    """Why a target is down, in one line for an operator."""


def look(address, port, timeout, begins):
    """Looks at a real server once. It returns when it is up, and raises Down or an OSError otherwise."""
    deadline = time.monotonic() + timeout
    with socket.create_connection((address, port), timeout) as conn:
        data = b""
        while b"\n" not in data and len(data) < 8192:
            conn.settimeout(max(deadline - time.monotonic(), 0.001))
            part = conn.recv(4096)
            if not part:
                raise Down("the server hung up before the end of its first line")
            data += part
    line = data.split(b"\n")[0].rstrip(b"\r").decode("utf-8", "replace")
    if not line.startswith(begins):
        raise Down(f"the first line is {line[:100]!r}, want {begins[:100]!r}")


# ------------------------------------------------------------------ the same for every check


def probe(target):
    """Returns why a target is down; None: it is up. Nothing that look does ends more than this probe."""
    try:
        look(target.address, target.port, target.timeout, target.config)
    except Down as e:
        return str(e)
    except OSError as e:
        return f"talking to the server: {e.strerror or e}"
    except Exception as e:
        return f"the check has a fault: {type(e).__name__} {e}"[:400]
    return None


class Target:
    """One thing to watch, as Apply says it, checked: any language may be at the other end."""

    def __init__(self, m):
        if not m.id:
            raise ValueError("a target without an id")
        if m.address:
            ipaddress.ip_address(m.address)
        if m.port > 65535:
            raise ValueError(f"target {m.id}: port {m.port}")
        if max(m.schedule.fall, m.schedule.rise) >= 1 << 31:
            raise ValueError(f"target {m.id}: fall or rise is too large")
        if m.initial not in check_pb2.State.values():
            raise ValueError(f"target {m.id}: state {m.initial}")
        self.message, self.id, self.address, self.port = m, m.id, m.address, m.port
        self.interval = seconds(m.schedule.interval) or 1
        self.timeout = seconds(m.schedule.timeout) or self.interval
        self.retry = seconds(m.schedule.retry_interval) or self.interval
        self.spread = seconds(m.schedule.spread)
        self.fall, self.rise = max(m.schedule.fall, 1), max(m.schedule.rise, 1)
        try:
            self.config = decode(m.config_json)
        except Wrong as e:
            raise ValueError(f"target {m.id}: {' '.join(e.path)}: {e.summary}")
        self.verdict = check_pb2.Verdict(target_id=m.id, state=m.initial)
        self.verdict.since.GetCurrentTime()
        self.summary = check_pb2.Summary(target_id=m.id)
        self.removed = threading.Event()

    def run(self, changed):
        """Probes until the target is removed; calls changed when the verdict has."""
        self.removed.wait(random.uniform(0, self.spread))  # not all at the same moment
        against = 0  # results in a row that contradict the verdict
        while not self.removed.is_set():
            began = time.monotonic()
            reason = probe(self)
            took = time.monotonic() - began
            state = check_pb2.STATE_UP if reason is None else check_pb2.STATE_DOWN
            self.count(reason, took)
            known = self.verdict.state != check_pb2.STATE_UNSPECIFIED  # otherwise the first probe decides
            against = against + 1 if state != self.verdict.state else 0
            needed = self.rise if state == check_pb2.STATE_UP else self.fall
            if against and (not known or against >= needed):
                against = 0
                verdict = check_pb2.Verdict(target_id=self.id, state=state, reason=reason or "")
                verdict.since.GetCurrentTime()
                changed(self, verdict)
            self.removed.wait(max((self.retry if against else self.interval) - took, 0))

    def count(self, reason, took):
        if reason is None:
            self.summary.successes += 1
        else:
            self.summary.failures += 1
            self.summary.last_error = reason
        self.summary.latency.FromNanoseconds(int(took * 1e9))


def seconds(d):
    if d.seconds < 0 or d.nanos < 0 or d.seconds > 1 << 32:
        raise ValueError(f"a duration of {d.seconds} s")
    return d.seconds + d.nanos / 1e9


def duration(text):
    """Reads "1m30s" as seconds."""
    units = {"h": 3600, "m": 60, "s": 1, "ms": 0.001}
    return sum(float(n) * units[u] for n, u in re.findall(r"([0-9.]+)(ms|h|m|s)", text))


class Check:
    """evenkeel.plugin.v1.CheckService."""

    def __init__(self):
        self.lock = threading.Lock()
        self.targets, self.generation, self.watches = {}, 0, []
        threading.Thread(target=self.summarise, daemon=True).start()

    def apply(self, request, context):
        try:
            wanted = [Target(m) for m in request.targets]  # all or none
        except ValueError as e:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(e))
        with self.lock:
            names = {t.id for t in wanted}
            gone = set(request.removed) - names
            if request.full:
                gone = set(self.targets) - names
            for t in wanted:
                old = self.targets.get(t.id)
                if old and same(old.message, t.message):
                    continue  # saying it twice changes nothing
                if old:
                    old.removed.set()
                    t.verdict = old.verdict
                self.targets[t.id] = t
                threading.Thread(target=t.run, args=(self.changed,), daemon=True).start()
            for name in gone & set(self.targets):
                self.targets.pop(name).removed.set()
            self.generation = request.generation
        return check_pb2.CheckServiceApplyResponse()

    def changed(self, target, verdict):
        with self.lock:
            if self.targets.get(target.id) is target:
                target.verdict = verdict
                self.tell(verdicts=[verdict])

    def tell(self, **what):
        """Sends a report to who watches. The caller holds the lock."""
        for q in self.watches:
            q.put(check_pb2.CheckServiceWatchResponse(generation=self.generation, **what))

    def summarise(self):
        while not ended.wait(5):
            with self.lock:
                busy = [t for t in self.targets.values() if t.summary.successes or t.summary.failures]
                for i in range(0, len(busy), 1000):  # a message has at most 16 MiB
                    self.tell(summaries=[t.summary for t in busy[i : i + 1000]])
                for t in busy:
                    t.summary = check_pb2.Summary(target_id=t.id)

    def watch(self, request, context):
        q = queue.Queue()
        with self.lock:  # first all verdicts, then each that changes
            verdicts = [t.verdict for t in self.targets.values()]
            for i in range(0, max(len(verdicts), 1), 1000):
                part = check_pb2.CheckServiceWatchResponse(
                    generation=self.generation, snapshot=True, verdicts=verdicts[i : i + 1000], more=i + 1000 < len(verdicts)
                )
                q.put(part)
            self.watches.append(q)
        context.add_callback(lambda: q.put(None))
        try:
            while (report := q.get()) is not None:
                yield report
        finally:
            with self.lock:
                self.watches.remove(q)

    def end(self):
        with self.lock:
            for q in self.watches:
                q.put(None)

    def probe(self, request, context):
        try:
            target = Target(request.target)
        except ValueError as e:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(e))
        reason = probe(target)
        return check_pb2.CheckServiceProbeResponse(up=reason is None, reason=reason or "")


def same(a, b):
    """Whether two targets are probed alike: what the core believes of them does not matter."""
    a, b = check_pb2.Target.FromString(a.SerializeToString()), check_pb2.Target.FromString(b.SerializeToString())
    for m in (a, b):
        m.ClearField("initial")
        m.ClearField("weight_percent")
    return a == b


ended = threading.Event()
heard = None  # when the core was, for the last time


class Plugin:
    """evenkeel.plugin.v1.PluginService."""

    def describe(self, request, context):
        return plugin_pb2.DescribeResponse(
            kind="check", name=NAME, version=VERSION, schema=SCHEMA, services=["evenkeel.plugin.v1.CheckService"]
        )

    def validate(self, request, context):
        try:
            decode(request.config_json)
        except Wrong as e:
            return plugin_pb2.ValidateResponse(diagnostics=[plugin_pb2.Diagnostic(path=e.path, summary=e.summary)])
        return plugin_pb2.ValidateResponse()

    def session(self, requests, context):
        global heard
        try:
            for m in requests:
                heard = time.monotonic()
                yield plugin_pb2.SessionResponse(beat=m.beat)
        finally:
            ended.set()  # the core is gone

    def stop(self, request, context):
        ended.set()
        return plugin_pb2.StopResponse()


def unary(f, request):
    return grpc.unary_unary_rpc_method_handler(f, request_deserializer=request.FromString, response_serializer=serialized)


def serialized(m):
    return m.SerializeToString()


def serve(path):
    check, plugin = Check(), Plugin()
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=32), options=[("grpc.max_receive_message_length", 64 << 20)]
    )
    server.add_generic_rpc_handlers(
        [
            grpc.method_handlers_generic_handler(
                "evenkeel.plugin.v1.PluginService",
                {
                    "Describe": unary(plugin.describe, plugin_pb2.DescribeRequest),
                    "Validate": unary(plugin.validate, plugin_pb2.ValidateRequest),
                    "Stop": unary(plugin.stop, plugin_pb2.StopRequest),
                    "Session": grpc.stream_stream_rpc_method_handler(
                        plugin.session, plugin_pb2.SessionRequest.FromString, serialized
                    ),
                },
            ),
            grpc.method_handlers_generic_handler(
                "evenkeel.plugin.v1.CheckService",
                {
                    "Apply": unary(check.apply, check_pb2.CheckServiceApplyRequest),
                    "Probe": unary(check.probe, check_pb2.CheckServiceProbeRequest),
                    "Watch": grpc.unary_stream_rpc_method_handler(
                        check.watch, check_pb2.CheckServiceWatchRequest.FromString, serialized
                    ),
                },
            ),
        ]
    )
    server.add_insecure_port("unix:" + path)
    server.start()
    print(f"1|1|unix|{path}|grpc", flush=True)  # the handshake: the first line, and at once

    lease, began = duration(os.environ.get("EVENKEEL_LEASE", "10s")), time.monotonic()
    while not ended.wait(0.5):  # the first beat may take three times as long
        if time.monotonic() - (heard or began + 2 * lease) > lease:
            break  # the core hangs
    check.end()
    server.stop(grace=1).wait()
    os._exit(0)  # whatever a probe does at this moment


if __name__ == "__main__":
    if "EVENKEEL_PLUGIN" not in os.environ:
        sys.exit(f'This is evenkeel\'s plugin check "{NAME}". The core starts it; "evenkeel plugin describe FILE" says what it is.')
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at a terminal is the core's business
    serve(os.path.join(os.environ["PLUGIN_UNIX_SOCKET_DIR"], "s"))
