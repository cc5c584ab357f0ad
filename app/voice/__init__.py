"""Voice notes: what somebody recorded, in the one form that phones show as spoken."""

from __future__ import annotations

from app.voice.conversion import MIME, VoiceNote, note_of

__all__ = ["MIME", "VoiceNote", "note_of"]
