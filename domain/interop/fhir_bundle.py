"""A FHIR message bundle: its entries, and where the references between them lead."""

from __future__ import annotations

from collections.abc import Iterator

from domain.interop.reading import MessageIncomplete, MessageMalformed, MessageUnsupported, Node, ReferenceUnresolved


class Bundle:
    """The resources of one message, found by reference.

    Only references are followed that a reader of one message asks for, each one step: a ring of them is harmless.
    """

    def __init__(self, root: Node) -> None:
        _expect_type(root, "Bundle")
        if root.find_text("type") != "message":
            raise MessageUnsupported("The bundle is not a message: its 'type' is not 'message'.", "/type")
        refuse_modifiers(root)
        self.root = root
        self._by_url: dict[str, Node] = {}
        self._by_name: dict[str, list[Node]] = {}
        self._resources: list[Node] = []
        for entry in root.each("entry"):
            self._add(entry)
        if not self._resources:
            raise MessageIncomplete("The message has no entries.", "/entry")

    def _add(self, entry: Node) -> None:
        resource = entry.get("resource")
        kind, identity = resource.get("resourceType").text(64), resource.find_text("id", 64)
        url = entry.find_text("fullUrl")
        self._resources.append(resource)
        if url and self._by_url.setdefault(url, resource) is not resource:
            raise MessageMalformed("Two entries have the same 'fullUrl'.", f"{entry.pointer}/fullUrl")
        if identity:
            self._by_name.setdefault(f"{kind}/{identity}", []).append(resource)
            self._by_name.setdefault(f"urn:uuid:{identity}", []).append(resource)

    def header(self) -> Node:
        """The MessageHeader, which FHIR wants first."""
        first = self._resources[0]
        if first.find_text("resourceType") != "MessageHeader":
            raise MessageMalformed("The first entry of a message is its MessageHeader.", first.pointer)
        refuse_modifiers(first)
        return first

    def find(self, reference: Node, owner: Node) -> Node | None:
        """Where a Reference inside the resource `owner` leads, or None when that is not in this message.

        Understood are a fullUrl, `urn:uuid:…`, `Type/id` (also with a version behind it) and `#contained`.
        Raises `ReferenceUnresolved` when two resources answer to it.
        """
        text = reference.find_text("reference").partition("/_history/")[0]
        if not text:
            return None
        if text.startswith("#"):
            return next((r for r in owner.each("contained") if r.find_text("id", 64) == text[1:]), None)
        if text in self._by_url:
            return self._by_url[text]
        found = self._by_name.get(text) or [r for url, r in self._by_url.items() if url.endswith(f"/{text}")]
        if len(found) > 1:
            raise ReferenceUnresolved("Two resources of the message answer to this reference.", reference.pointer)
        return found[0] if found else None

    def get(self, reference: Node, owner: Node, kind: str) -> Node:
        """Where a Reference leads: a resource of type `kind` that we may act on.

        Raises `ReferenceUnresolved` when it is not in the message, or is something else.
        """
        found = self.find(reference, owner)
        if found is None:
            raise ReferenceUnresolved(f"The {kind} that this refers to is not in the message.", reference.pointer)
        if found.find_text("resourceType") != kind:
            raise ReferenceUnresolved(f"This refers to something that is not a {kind}.", reference.pointer)
        refuse_modifiers(found)
        return found


def codings(concept: Node | None) -> Iterator[Node]:
    """The codings of a CodeableConcept, which may be absent."""
    return concept.each("coding") if concept is not None else iter(())


def refuse_modifiers(resource: Node) -> None:
    """Raise `MessageUnsupported` when a resource carries elements that change what it means (FHIR R4 §2.6.2.2)."""
    for key in ("implicitRules", "modifierExtension"):
        found = resource.find(key)
        if found is not None:
            raise MessageUnsupported(f"'{key}' changes what the message means, and we do not know how.", found.pointer)


def _expect_type(resource: Node, kind: str) -> None:
    if resource.get("resourceType").text(64) != kind:
        raise MessageMalformed(f"A {kind} belongs here.", f"{resource.pointer}/resourceType")
