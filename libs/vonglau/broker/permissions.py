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
    follows: tuple[str, ...] = ()  # streams, by consumers of its own
    looks: tuple[str, ...] = ()  # streams, message by message
    buckets_read: tuple[str, ...] = ()
    buckets_written: tuple[str, ...] = ()  # and read
    leases: tuple[str, ...] = ()  # keys in the bucket of the leases: what it holds there, and when its jobs ran

    @property
    def followed(self) -> tuple[str, ...]:
        """Streams, buckets too: they are watched."""
        return (*self.follows, *(f"KV_{bucket}" for bucket in (*self.buckets_read, *self.buckets_written)))

    @property
    def looked_into(self) -> tuple[str, ...]:
        """Streams, the leases' too."""
        return (*self.looks, f"KV_{LEASES}")

    @property
    def streams(self) -> tuple[str, ...]:
        """All that it works with."""
        return tuple(dict.fromkeys((*self.followed, *self.looked_into)))

    @property
    def written(self) -> tuple[str, ...]:
        """Subjects of buckets."""
        return (*(f"$KV.{bucket}.>" for bucket in self.buckets_written), *(f"$KV.{LEASES}.{key}" for key in self.leases))


NEEDS: Mapping[str, Needs] = {
    "registry": Needs(
        ("es.registry.>",), (ES_REGISTRY,), (), (), (ACCESS_STATE, SECRETS), ("registry", "registry_access_state", "registry-jobs", "ran.registry-log-walk"),
    ),
    "ingest": Needs(
        ("fact.segment.*", "fact.interruption.*", "fact.stream.*", "fact.clock.*"), (ES_REGISTRY, FACT_INGEST), (),
        (ACCESS_STATE, SECRETS, LEASES), (CLAIMS, POOLS, SLOTS), ("member.*.*", "slots.*", "unassigned"),
    ),
    "recording": Needs(
        (), (ES_REGISTRY, ES_RECORDING, FACT_INGEST), (), (ACCESS_STATE,), (),
        ("recording-projection", "recording-buckets", "recording-jobs", "ran.recording-gap-watch", "ran.recording-log-walk"),
    ),
    "retention": Needs(
        ("es.recording.>",), (), (ES_REGISTRY, ES_RECORDING, FACT_INGEST), (), (), ("retention", "ran.retention-archive", "ran.retention-delete"),
    ),
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
    following = [subject for stream in needs.followed for subject in (*looks(stream), *follows(stream))]
    looking = [subject for stream in needs.looked_into for subject in looks(stream)]
    advisories = ("$JS.EVENT.ADVISORY.>",) if user == "registry" else ()  # one service watches over the log
    return Permissions(tuple(dict.fromkeys((*needs.publishes, *needs.written, *following, *looking))), (*inbox, *advisories))


def looks(stream: str) -> Iterator[str]:
    """Its state, and single messages."""
    yield f"$JS.API.STREAM.INFO.{stream}"
    yield f"$JS.API.STREAM.MSG.GET.{stream}"
    yield f"$JS.API.DIRECT.GET.{stream}"
    yield f"$JS.API.DIRECT.GET.{stream}.>"


def follows(stream: str) -> Iterator[str]:
    """Consumers; not a change of the stream."""
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
