"""Voice notes made of what browsers record, by the program that does it."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import av
import pytest

from app.conversion import confined, program, voice, voice_encoder
from app.conversion.program import Busy
from app.conversion.voice import NotAudio, TooLong, VoiceNote, note_of
from tests.conversion.files import file_of
from tests.sounds import FORMS, film, sound


def made_of(content: bytes) -> VoiceNote:
    with file_of(content) as file:
        return note_of(file)


@pytest.mark.parametrize("form", FORMS)
def test_what_browsers_and_programs_record_becomes_opus_in_ogg_mono(form: str) -> None:
    note = made_of(sound(form, 2))

    assert (note.seconds, len(note.waveform)) == (2, 64)
    with av.open(io.BytesIO(note.content)) as file:
        (stream,) = file.streams.audio
        assert (file.format.name, stream.codec_context.name) == ("ogg", "opus")
        assert (stream.layout.name, stream.rate) == ("mono", 48_000)
        samples = sum(frame.samples for frame in file.decode(stream))
    assert abs(samples / 48_000 - 2) < 0.1
    assert len(note.content) < 2 * 48_000 / 8


@pytest.mark.parametrize("form", ["webm", "mp4", "wav"])
def test_the_same_sound_gives_the_same_bytes(form: str) -> None:
    assert made_of(sound(form)) == made_of(sound(form))


def test_two_channels_become_one() -> None:
    assert made_of(sound("wav", 1, layout="stereo")).seconds == 1


def test_the_waveform_shows_where_it_is_loud() -> None:
    waveform = made_of(sound("wav", 4, fades=True)).waveform

    assert max(waveform) == 100
    assert list(waveform[:32]) > list(waveform[32:])
    assert waveform[63] < 5


def test_silence_has_a_flat_waveform_and_a_moment_counts_as_a_second() -> None:
    silent = made_of(sound("wav", 0.1))
    assert silent.seconds == 1
    assert len(silent.waveform) == 64
    assert voice_encoder.bars([0.0, 0.0, 0.0]) == bytes(64)


def test_a_recording_that_broke_off_is_kept_as_far_as_it_goes() -> None:
    whole = sound("webm", 4)

    assert 1 <= made_of(whole[: len(whole) // 2]).seconds <= 3


@pytest.mark.parametrize(
    "content",
    [b"", b"x", bytes(50_000), b"%PDF-1.7 bill", b"<svg/>", sound("mp4")[:30], film()],
    ids=["nothing", "letter", "zeros", "pdf", "svg", "beginning", "film"],
)
def test_what_is_not_audio_is_refused(content: bytes) -> None:
    with pytest.raises(NotAudio) as refused:
        made_of(content)

    assert (refused.value.field, refused.value.code) == ("file", "not_audio")


def test_a_playlist_leads_nowhere() -> None:
    asked: list[str] = []

    class Ear(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with HTTPServer(("127.0.0.1", 0), Ear) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"http://127.0.0.1:{server.server_port}/a.ts"
        lists = [
            f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{place}\n#EXT-X-ENDLIST\n",
            f"ffconcat version 1.0\nfile '{place}'\n",
            "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n/etc/passwd\n#EXT-X-ENDLIST\n",
        ]
        for one in lists:
            with pytest.raises(NotAudio):
                made_of(one.encode())
        server.shutdown()
    assert asked == []


def test_the_program_can_open_nothing_once_it_looks_at_its_input() -> None:
    attempt = """
import sys; sys.path.insert(0, sys.argv[1])
import confined, socket
confined.lock_up()
for what in (lambda: open("/etc/passwd"), socket.socket):
    try: what()
    except OSError: print("refused")
"""
    folder = str(program._HERE)
    said = subprocess.run(
        [sys.executable, "-I", "-c", attempt, folder], capture_output=True, text=True
    )
    assert said.stdout.split() == ["refused", "refused"], said.stderr


def test_more_than_an_hour_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert voice_encoder.LONGEST == voice.LONGEST_MINUTES * 60
    monkeypatch.setattr(voice_encoder, "LONGEST", 1)
    with pytest.raises(voice_encoder.TooLong):
        voice_encoder.voice_note(io.BytesIO(sound("wav", 2)))

    ends = subprocess.CompletedProcess([], voice_encoder.TooLong.status, b"", b"")
    monkeypatch.setattr(program, "_run", lambda *_: ends)
    with pytest.raises(TooLong):
        made_of(b"long")
    assert program.UNREADABLE == confined.UNREADABLE


def test_what_takes_too_long_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "_SECONDS", 0.001)

    with pytest.raises(Busy):
        made_of(sound("wav"))


def test_an_encoder_that_does_not_work_is_not_the_fault_of_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "voice_encoder.py").write_text("import there_is_no_such_library")
    monkeypatch.setattr(program, "_HERE", tmp_path)

    with pytest.raises(RuntimeError, match="no_such_library"):
        made_of(sound("wav"))


def test_a_file_that_kills_the_decoder_is_no_audio(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "voice_encoder.py").write_text("import os; os.abort()")
    monkeypatch.setattr(program, "_HERE", tmp_path)

    with pytest.raises(NotAudio):
        made_of(sound("wav"))


def test_few_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "_slots", threading.BoundedSemaphore(1))
    monkeypatch.setattr(program, "_WAIT_SECONDS", 0.01)

    with program._turn(), pytest.raises(Busy):
        made_of(sound("wav"))
    assert made_of(sound("wav")).seconds == 2
