"""gRPC as every service and client of the project speaks it: one pipeline, one error table, deadlines, health, retries by service config."""

from vonglau.rpc.addresses import address_file, find
from vonglau.rpc.body import body_hash
from vonglau.rpc.client import TokenSource, channel
from vonglau.rpc.context import CallContext, call, caller, remaining
from vonglau.rpc.expiry import Expiry
from vonglau.rpc.link import Identity, Link, address_of, tls_of
from vonglau.rpc.pages import PageToken, page_size
from vonglau.rpc.probed import Probed
from vonglau.rpc.process import run_job, run_service
from vonglau.rpc.server import Server
from vonglau.rpc.status import error_of
from vonglau.rpc.tls import Tls

__all__ = [
    "CallContext",
    "Expiry",
    "Identity",
    "Link",
    "PageToken",
    "Probed",
    "Server",
    "Tls",
    "TokenSource",
    "address_file",
    "address_of",
    "body_hash",
    "call",
    "caller",
    "channel",
    "error_of",
    "find",
    "page_size",
    "remaining",
    "run_job",
    "run_service",
    "tls_of",
]
