"""Who is calling, proved by a JWT: a local issuer for one machine, a verifier that takes an OIDC provider's key set just as well."""
from vonglau.identity.caller import Caller
from vonglau.identity.issuer import JWKS_FILE, LocalIssuer
from vonglau.identity.verifier import Verifier

__all__ = ["JWKS_FILE", "Caller", "LocalIssuer", "Verifier"]
