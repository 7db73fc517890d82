"""As whom a service goes to the footage store; what each may do there stands in `vonglau.footage.policies`."""
INGEST, RECORDING, RETENTION = ROLES = ("ingest", "recording", "retention")
