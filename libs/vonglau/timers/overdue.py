"""The due-index: a view whose documents carry the instant at which their aggregate has something to do."""
from __future__ import annotations

from collections.abc import AsyncIterator

from vonglau.clock import Clock
from vonglau.documents import Condition, Document, Documents, cursor

PAGE = 100


async def overdue(documents: Documents, collection: str, clock: Clock, *, due: str = "due_ns", page: int = PAGE) -> AsyncIterator[Document]:
    """Documents that are due by now, the longest due first; None in the field means never.

    Whoever acts on one writes into its aggregate, and the event takes the document out of the index. The view may be behind, so that the
    same document can come again in the next sweep: the aggregate decides whether there is still something to do.
    """
    until, after = clock.now_ns(), ""
    while found := await documents.find(collection, Condition(due, "<=", until), order=due, after=after, limit=page):
        for document in found:
            yield document
        after = cursor(found[-1], due)
