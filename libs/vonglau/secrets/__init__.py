"""Camera credentials and the like, sealed at rest."""
from vonglau.secrets.port import Secrets, checked_name
from vonglau.secrets.sealed import SealedSecrets

__all__ = ["SealedSecrets", "Secrets", "checked_name"]
