"""The pages, one module a screen. A new screen is a new line here."""

from __future__ import annotations

from fastapi import APIRouter

from api.pages import shell, sign_in

ROUTERS: tuple[APIRouter, ...] = (
    shell.router,
    sign_in.router,
)
