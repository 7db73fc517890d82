"""Every metric and span of the project, with unit and meaning. Names and attributes of the semantic conventions where those have one.

A label has few values that are known beforehand: what has one value per camera, person, request or object belongs in a view or a log line.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from opentelemetry.trace import SpanKind


class Kind(Enum):
    COUNTER = "counter"  # only rises
    HISTOGRAM = "histogram"
    GAUGE = "gauge"  # read when exported


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    kind: Kind
    unit: str  # UCUM; {thing} counts things
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()  # upper bounds, of a histogram


@dataclass(frozen=True, slots=True)
class SpanName:
    verb: str  # the span is called by it and the value of the attribute, which has few values
    attribute: str
    kind: SpanKind
    meaning: str


# Labels, and why each has few values.
RPC_SYSTEM = "rpc.system.name"
RPC_METHOD = "rpc.method"
RPC_CODE = "rpc.response.status_code"
ERROR_TYPE = "error.type"
MESSAGING_SYSTEM = "messaging.system"
DESTINATION = "messaging.destination.template"
OPERATION = "messaging.operation.name"
PROJECTION = "vonglau.projection"
STREAM = "vonglau.stream"
CAUSE = "vonglau.cause"
STATE = "vonglau.state"
CAMERA_CLASS = "vonglau.camera.class"
LOOP = "vonglau.loop"
ADVISORY = "vonglau.log.advisory"
POOL = "vonglau.pool"
LABELS = {
    RPC_SYSTEM: "always grpc",
    RPC_METHOD: "methods in the protos; _OTHER for the rest",
    RPC_CODE: "gRPC status names",
    ERROR_TYPE: "reasons and exception classes in the code",
    MESSAGING_SYSTEM: "always nats",
    DESTINATION: "subjects with their ids in braces",
    OPERATION: "send, process",
    PROJECTION: "projections and subscriptions in the code",
    STREAM: "JetStream streams of the topology",
    CAUSE: "one enum in the protos",
    STATE: "one enum in the protos; of pods: wanted, ready",
    CAMERA_CLASS: "one enum in the protos",
    LOOP: "loops in the code",
    ADVISORY: "kinds that are watched, in the code",
    POOL: "ingest pools, which the platform team names: tens",
}

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
RPC_LABELS = (RPC_SYSTEM, RPC_METHOD, RPC_CODE, ERROR_TYPE)
MESSAGE_LABELS = (MESSAGING_SYSTEM, DESTINATION, OPERATION, ERROR_TYPE)


def counter(name: str, unit: str, meaning: str, *labels: str) -> Metric:
    return Metric(name, Kind.COUNTER, unit, meaning, labels)


def gauge(name: str, unit: str, meaning: str, *labels: str) -> Metric:
    return Metric(name, Kind.GAUGE, unit, meaning, labels)


def duration(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(name, Kind.HISTOGRAM, "s", meaning, labels, SECONDS)


RPC_SERVER_DURATION = duration("rpc.server.call.duration", "an RPC from its arrival to its status; rate and errors too", *RPC_LABELS)
RPC_CLIENT_DURATION = duration("rpc.client.call.duration", "a unary RPC as its caller saw it, retries included", *RPC_LABELS)
RPC_INCIDENTS = counter("vonglau.rpc.incidents", "{error}", "errors that nobody named: answered INTERNAL and logged with an id", RPC_METHOD, ERROR_TYPE)
TLS_LEFT = gauge("vonglau.tls.left", "s", "until this process's certificate ends; below 0: it has ended, and no new connection comes about")
TLS_LEFT_SHARE = gauge("vonglau.tls.left_share", "1", "of the certificate's life that is left; who renews certificates does so at about a third")

MESSAGES_SENT = counter("messaging.client.sent.messages", "{message}", "messages that were published, or tried to be", *MESSAGE_LABELS)
SEND_DURATION = duration("messaging.client.operation.duration", "a publish until its acknowledgement", *MESSAGE_LABELS)
MESSAGES_CONSUMED = counter("messaging.client.consumed.messages", "{message}", "messages delivered to a subscription, repeats too", *MESSAGE_LABELS, PROJECTION)
PROCESS_DURATION = duration("messaging.process.duration", "the handling of one message, or of a batch that is committed as one", *MESSAGE_LABELS, PROJECTION)

COMMANDS_REDECIDED = counter("vonglau.eventlog.redecided", "{command}", "decisions taken again: a lost race or an unknown outcome", STREAM, ERROR_TYPE)
PROJECTION_PENDING = gauge("vonglau.projection.pending", "{message}", "messages that the stream has and the projection has not applied", PROJECTION, STREAM)
PROJECTION_AGE = gauge("vonglau.projection.age", "s", "since the oldest event that the projection has not applied was written", PROJECTION, STREAM)
PARKED_KEYS = gauge("vonglau.projection.parked_keys", "{key}", "keys that wait behind an event that cannot be applied", PROJECTION)
REDELIVERIES = counter("vonglau.projection.redeliveries", "{message}", "messages that came again", PROJECTION, STREAM)
PROJECTION_STOPPED = gauge("vonglau.projection.stopped", "{projection}", "1: it waits for a rebuild", PROJECTION, ERROR_TYPE)

CAMERAS = gauge("vonglau.ingest.cameras", "{camera}", "cameras of this process by state", STATE, CAMERA_CLASS)
CAMERAS_RECORDED = gauge("vonglau.ingest.recorded_cameras", "{camera}", "cameras of this process with media in the last 60 s")
CAMERAS_MEANT = gauge("vonglau.ingest.meant_cameras", "{camera}", "cameras of the whole city that are meant to be recorded; every process tells the same")
CAMERAS_UNSELECTED = gauge("vonglau.ingest.unselected_cameras", "{camera}", "of these, those that no pool selects, and nobody records")
CLOCKS_OFF = gauge("vonglau.ingest.clocks_off", "{camera}", "cameras of this process whose clock was further off than the limit when it was last heard")
SPOOL_BYTES = gauge("vonglau.ingest.spool", "By", "recorded and not yet stored")
SPOOL_SHED = counter("vonglau.ingest.shed_segments", "{segment}", "closed segments dropped because the spool was full", CAMERA_CLASS)
SEGMENTS_STORED = counter("vonglau.ingest.stored_segments", "{segment}", "segments in the footage store, verified")
SEGMENT_DELAY = duration("vonglau.ingest.segment_delay", "from a segment's end to its acknowledged fact")
RECEIVED_BYTES = counter("vonglau.ingest.received", "By", "media received and recorded, counted when its segment closes")
LOST_PACKETS = counter("vonglau.ingest.lost_packets", "{packet}", "packets that a camera sent and that did not come, counted when their segment closes")
INTERRUPTIONS = counter("vonglau.ingest.interruptions", "{interruption}", "recordings that broke off, by cause", CAUSE)
HANDSHAKES = counter("vonglau.ingest.handshakes", "{handshake}", "connections tried to cameras, with what failed", ERROR_TYPE)
SLOT_MOVES = counter("vonglau.ingest.slot_moves", "{slot}", "slots that the table has given to another process")
VIEWERS = gauge("vonglau.ingest.viewers", "{viewer}", "live views that are open")
VIEWER_SKIPS = counter("vonglau.ingest.viewer_skips", "{part}", "parts a slow viewer did not get")

UNEXPLAINED_GAP = counter("vonglau.recording.unexplained_gap", "s", "time not recorded that no cause covers: alarm on any")
PENDING_LATE = gauge("vonglau.recording.pending_late", "{camera}", "cameras whose newest fact is more than 15 min old")
ARCHIVED_DAYS = counter("vonglau.recording.archived_days", "{day}", "camera days whose archive part was written")
DELETED_BYTES = counter("vonglau.recording.deleted", "By", "footage deleted under a retention rule")
FINDINGS = counter("vonglau.recording.findings", "{finding}", "objects that do not match their facts or chain", ERROR_TYPE)

FLEET_PODS = gauge("vonglau.fleet.pods", "{pod}", "ingest pods of a pool, as wanted and as ready", POOL, STATE)
FLEET_UNASSIGNED = gauge("vonglau.fleet.unassigned", "{camera}", "cameras of a pool that no pod has taken", POOL)
FLEET_SPOOLS = gauge("vonglau.fleet.spools_left", "{spool}", "spools of pods that went, not yet uploaded whole", POOL)
FLEET_UNREACHED = gauge("vonglau.fleet.unreached", "{pool}", "1: ingest does not say what the pool needs", POOL)
FLEET_TURN = duration("vonglau.fleet.turn", "a reconcile of all pools")

LOG_ADVISORIES = counter("vonglau.log.advisories", "{advisory}", "what the servers report: batches dropped, quorum lost; alarm on any", ADVISORY)
LOG_FILLED = gauge("vonglau.log.filled", "1", "of the bytes that a stream may hold; a full stream of record refuses commands, facts lose their oldest", STREAM)
LOG_MISSING = gauge("vonglau.log.missing_events", "{event}", "accepted events that the last walk over a stream of record did not find: alarm on any", STREAM)
LEASES_HELD = gauge("vonglau.leases.held", "{lease}", "leases that this process holds", LOOP)
TIMER_SINCE_SUCCESS = gauge("vonglau.timers.since_success", "s", "since a job's last run that succeeded, by who holds its lease", LOOP)
LOOP_ERRORS = counter("vonglau.loop.errors", "{error}", "errors caught at the outer edge of a loop, which goes on", LOOP, ERROR_TYPE)

RPC_SERVER_SPAN = SpanName("", RPC_METHOD, SpanKind.SERVER, "an RPC that is served")
RPC_CLIENT_SPAN = SpanName("", RPC_METHOD, SpanKind.CLIENT, "an RPC that is called, a stream until its end")
SEND_SPAN = SpanName("send", DESTINATION, SpanKind.PRODUCER, "a message or atomic batch until its acknowledgement")
PROCESS_SPAN = SpanName("process", DESTINATION, SpanKind.CONSUMER, "the handling of one message or batch; a root with links on replay and for a batch")
RECORD_SPAN = SpanName("record", CAMERA_CLASS, SpanKind.INTERNAL, "from the event that asks for a camera to its first recorded key frame")

METRICS = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
SPANS = tuple(value for value in list(globals().values()) if isinstance(value, SpanName))
