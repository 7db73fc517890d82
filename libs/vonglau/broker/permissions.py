"""What each service may do on NATS: the least that it works with, as data. Who is not named here may do nothing.

Subjects of the JetStream API are those of nats-server 2.15: a consumer's create carries its filter, a watch of a bucket is an ordered push
consumer whose messages come to the user's own inbox.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vonglau.broker.topology import ACCESS_STATE, CLAIMS, ES_RECORDING, ES_REGISTRY, FACT_INGEST, LEASES, POOLS, SECRETS, SLOTS


@dataclass(frozen=True, slots=True)
class Needs:
    """Of one service."""

    publishes: tuple[str, ...] = ()  # subjects of events and facts
    reads: tuple[str, ...] = ()  # streams
    buckets_read: tuple[str, ...] = ()
    buckets_written: tuple[str, ...] = ()  # and read

    @property
    def streams(self) -> tuple[str, ...]:
        """That it reads, buckets too."""
        return (*self.reads, *(f"KV_{bucket}" for bucket in (*self.buckets_read, *self.buckets_written)))


NEEDS: Mapping[str, Needs] = {
    "registry": Needs(("es.registry.>",), (ES_REGISTRY,), (), (ACCESS_STATE, SECRETS, LEASES)),
    "ingest": Needs(
        ("fact.segment.*", "fact.interruption.*", "fact.stream.*", "fact.clock.*"), (ES_REGISTRY, FACT_INGEST),
        (ACCESS_STATE, SECRETS), (CLAIMS, LEASES, POOLS, SLOTS),
    ),
    "recording": Needs((), (ES_REGISTRY, ES_RECORDING, FACT_INGEST), (ACCESS_STATE,), (LEASES,)),
    "retention": Needs(("es.recording.>",), (ES_REGISTRY, ES_RECORDING, FACT_INGEST), (), (LEASES,)),
}
JOB = "streams"  # the user that declares streams and buckets, and nothing else: it reads no event
SITE = "site-"  # begins the user by which an owner's site comes in: a server of its own, with ingest behind it
DOMAIN = "hub"  # of JetStream in the centre, as sites call it


@dataclass(frozen=True, slots=True)
class Permissions:
    """Subjects that a user may publish to and subscribe."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def permissions(user: str) -> Permissions:
    """user: a service, the job, or a site. Raises: KeyError for anybody else."""
    if user.startswith(SITE):
        return of_a_site(permissions("ingest"))
    inbox = (f"{inbox_prefix(user)}.>",)
    if user == JOB:
        return Permissions(tuple(f"$JS.API.STREAM.{verb}.*" for verb in ("CREATE", "UPDATE", "INFO")), inbox)
    needs = NEEDS[user]
    written = [f"$KV.{bucket}.>" for bucket in needs.buckets_written]
    reading = [subject for stream in needs.streams for subject in reads(stream)]
    advisories = ("$JS.EVENT.ADVISORY.>",) if user == "registry" else ()  # one service watches over the log
    return Permissions((*needs.publishes, *written, *reading), (*inbox, *advisories))


def reads(stream: str) -> Iterator[str]:
    """Point reads, and consumers of one's own; not a change of the stream."""
    yield f"$JS.API.STREAM.INFO.{stream}"
    yield f"$JS.API.STREAM.MSG.GET.{stream}"
    yield f"$JS.API.DIRECT.GET.{stream}"
    yield f"$JS.API.DIRECT.GET.{stream}.>"
    for verb in ("CREATE", "DURABLE.CREATE", "INFO", "DELETE", "MSG.NEXT"):
        yield f"$JS.API.CONSUMER.{verb}.{stream}"
        yield f"$JS.API.CONSUMER.{verb}.{stream}.>"
    yield f"$JS.ACK.{stream}.>"
    yield f"$JS.FC.{stream}.>"


def of_a_site(ingest: Permissions) -> Permissions:
    """What ingest may do, as it comes over a link between servers: JetStream's own subjects never pass one, those of its domain do; and the link
    carries a subject only where the whole pattern that somebody listens to is allowed, which is the stream's for facts.
    """
    facts = {"fact.*.*" if subject.startswith("fact.") else in_domain(subject) for subject in ingest.publish}
    return Permissions(tuple(sorted(facts)), ingest.subscribe)


def in_domain(subject: str) -> str:
    """As the site's server writes it (its mappings, k8s/site/leaf.conf)."""
    if subject.startswith("$JS.API."):
        return f"$JS.{DOMAIN}.API.{subject.removeprefix('$JS.API.')}"
    return f"$JS.{DOMAIN}.API.{subject}" if subject.startswith("$KV.") else subject


def inbox_prefix(user: str) -> str:
    """Answers of one user reach no other."""
    return f"_INBOX_{user}"
