"""Everything on one machine: starts, watches and stops the same services that run in production."""
