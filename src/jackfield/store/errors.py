"""What can be wrong with the archive, sorted by what the caller does next."""

# StoreError
#  ├── DatabaseUnusable     the administrator has to act: text and next step are for them
#  ├── CursorMoved          somebody else saved a page meanwhile: load the cursor afresh
#  ├── VersionMoved         somebody else changed the document meanwhile: load it afresh, show both
#  ├── LinkTaken            an extension or department is somebody else's already: plan again
#  ├── DraftLost            somebody else makes that plan by now: leave it to them
#  ├── BrokenDocument       a stored document cannot be read: names tenant, document and place
#  └── SecretUnreadable     the key file does not fit the database: names both

from __future__ import annotations


class StoreError(Exception):
    """The archive could not do what was asked; the text is fit for an administrator."""

    next_step = ""
    """What to do about it, where the text does not say it already."""


class DatabaseUnusable(StoreError):
    """The database cannot be used as it is.

    `text` says what is wrong, `next_step` what to do about it.
    """

    def __init__(self, text: str, next_step: str) -> None:
        super().__init__(f"{text} {next_step}")
        self.text = text
        self.next_step = next_step


class CursorMoved(StoreError):
    """The cursor stands elsewhere than the caller believes; nothing was written."""


class VersionMoved(StoreError):
    """The document has another version than the one the change was made from.

    Nothing was written.
    """


class LinkTaken(StoreError):
    """The extension is linked to another person, or the department to another group.

    Nothing was written.
    """


class DraftLost(StoreError):
    """Somebody else makes a plan for the same purpose by now; nothing was written."""


class BrokenDocument(StoreError):
    """A stored document does not have the shape it should.

    The text names it and the place in it; `version` is what a new one is saved over.
    """

    def __init__(self, text: str, version: int) -> None:
        super().__init__(text)
        self.version = version


class SecretUnreadable(StoreError):
    """A stored secret cannot be decrypted with the keys of the key file, or belongs elsewhere."""
