"""Whole lists out of paged answers."""
from __future__ import annotations

from vonglau.cli.pages import pages
from vonglau.registry.v1.service_pb2 import ListOwnersRequest, ListOwnersResponse, Owner

ANSWERS = {"": (["police"], "2"), "2": ([], "3"), "3": (["traffic", "parks"], "")}


async def asked(request: ListOwnersRequest) -> ListOwnersResponse:
    owners, following = ANSWERS[request.page_token]
    return ListOwnersResponse(owners=[Owner(owner=owner) for owner in owners], next_page_token=following)


async def test_a_list_goes_on_to_its_last_page_an_empty_one_between() -> None:
    found = [[each.owner for each in page.owners] async for page in pages(asked, ListOwnersRequest())]
    assert found == [["police"], [], ["traffic", "parks"]]
