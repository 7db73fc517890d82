"""Spreading cameras over processes: pools select cameras, a table gives a pool's slots to its members, and every process obeys the last table."""
from services.ingest.pools.assignment import Assignment, Place
from services.ingest.pools.declared import DEFAULT, Declared
from services.ingest.pools.member import Member, Report
from services.ingest.pools.members import Members
from services.ingest.pools.table import SlotTable

__all__ = ["DEFAULT", "Assignment", "Declared", "Member", "Members", "Place", "Report", "SlotTable"]
