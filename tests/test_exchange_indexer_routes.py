"""Paths and what answers them."""

from __future__ import annotations

from sniper.exchange.indexer import routes


def test_routes_name_each_path_once_and_outright_names_go_first() -> None:
    paths = [route.path for route in routes.ROUTES]
    assert len(paths) == len(set(paths))
    found = routes.find("/v4/orders/parentSubaccountNumber")
    assert found is not None and not found[1] and found[0].path == "/v4/orders/parentSubaccountNumber"
    found = routes.find("/v4/orders/abc")
    assert found is not None and found[1] == {"orderId": "abc"}
    assert routes.find("/v4/orders/") == routes.find("/v4/orders") and routes.find("/v4/height/x") is None
