"""Jobs at times, and the due-index for what aggregates have to do at times of their own."""
from vonglau.timers.overdue import overdue
from vonglau.timers.runs import KeptRuns, Runs
from vonglau.timers.schedule import Daily, Every, Schedule
from vonglau.timers.timers import Job, Pace, Timers

__all__ = ["Daily", "Every", "Job", "KeptRuns", "Pace", "Runs", "Schedule", "Timers", "overdue"]
