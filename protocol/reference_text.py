"""The words of the message reference: what bits cannot say. `protocol.reference` sets them among the tables."""

OPENING = """\
# The messages

Made from the definitions in `protocol/wire.py` by `airaccord spec > docs/messages.md`; do not edit it by hand.

A frame is a header of {header} bytes, the payload of one message and a checksum of {crc} bytes, {most} bytes at most.
Numbers are big-endian; `int` is two's complement, `uint` unsigned. There is no padding; each message has one length:

{sizes}

In the tables `16-19` means bytes 16 to 19 of the frame, counted from 0; `38.7-38.4` means bits 7 to 4 of byte 38, where
bit 7 is the most significant. A physical value is the raw integer times the step in the table: a `latitude_deg` of raw
351234567 is 35.1234567 deg. Limits belong to the range. To write a value, take the nearest raw integer.

**Not available** is a raw value that is no legal value, the most negative for `int` and all ones for `uint`. A field
without one is always there. A group (such as `receipt`) is there as a whole or not at all: its "not available" is one
pattern of bytes, and if the bytes differ from it in one bit, every field of the group must be legal.

## Header

{table}

The header's first 8 bytes, `version` to `source`, are laid out the same in every version.
"""

RULES = """\
## Reading a frame

Do these in order, and reject the bytes at the first that does not hold. A rejected frame has no meaning at all: take
nothing from it.

1. There are {least} to {most} bytes.
2. The last {crc} bytes are the CRC-32C, big-endian, of all bytes before them.
3. `version` is {version}.
4. `flags` has none of the bits {incompatible:#04x}: these are the incompatible flags, and a reader rejects those that
   it does not know. None is defined. The other four may be ignored, and are carried unchanged.
5. `length` is the number of bytes.
6. `type` is one of the table above, and the number of bytes is that of the type.
7. Every field is in its range or not available, an enumerated field has one of its values, a call sign is spelled as
   below, reserved bits are 0.

**CRC-32C** (Castagnoli, as in iSCSI, RFC 3720): polynomial 0x1EDC6F41, reflected 0x82F63B78; initial value and final
exclusive or 0xFFFFFFFF; input and output reflected. The nine ASCII characters `123456789` have the checksum 0xE3069283.

**Call signs** have capital letters, digits and spaces, are filled up with spaces at the end, and do not begin with one.
Eight spaces: no call sign is given.

**Channel sets** are bitmaps: bit n, counted from the least significant, stands for channel n.

## Time

The header's time is the instant at which the frame's first bit leaves the antenna, by the clock of the source: seconds
of Unix time modulo 1024, and microseconds. It means the instant with that remainder nearest to the time of arrival, so
it is unambiguous within 512 s. `time_quality` bounds its error: 1 within 100 ms, 2 within 10 ms, 3 within 1 ms; 0
claims nothing. Times inside a message (`validity_s`, `reply_by_s`, `time_over_s`, `effective_s`, `act_s`, `from_s`)
count from the header's time; `age_s` and `since_s` count back from it.

## Numbers that run from frame to frame

Between parties that do not trust each other, "I did not hear it" is not "it was not sent". These numbers let a listener
account for what it did not hear.

- **Session**: a source's life between two starts, 0 to 254, and then again. A start begins a new one, with the next
  number. The numbers below are compared inside one session only. An IDENT with `sign_off` ends it.
- **Sequence**: counts every frame that the source sends, of every type and on every channel, in the order of
  transmission, modulo 65536, from 0.
- **Counts** (`idents`, `hails`, `acks`): how many frames of that type the session sent before this one, modulo 256. A
  gap of fewer than 256 frames in the sequence across which a count does not rise held no frame of that type.
- **Serial**: names one declaration. An INTENT carries its own in `serial`, 1 to 255 and then 1 again; a repetition has
  the same serial, says the same, and gives the validity that is left. Every frame sent while an INTENT is in force
  names it in the header's `intent`, the INTENT itself among them; 0 says that none is in force.
- **EMCON serial**: names one announced silence, 1 to 255 and then 1 again. POSITION names the last one that the session
  announced, 0 if none; a listener to whom that serial is new has not heard what was announced.
- **FREQUENCY CHANGE serial**, **incident**: one number for one change or emergency; what is sent again has the same.
- **Receipt**: the last frame that the source heard addressed to it (a HAIL, an ACK, a FREQUENCY CHANGE) or to everybody
  (an EMERGENCY, a FREQUENCY CHANGE without addressee), named by source, session and sequence. It proves that a call was
  heard, answered or not.
- **Reception report** (WATCH): for one peer, the last frame heard of its session, and a bitmap of the 32 sequence
  numbers before: bit i, counted from the least significant, stands for `last_sequence - 1 - i` modulo 65536; 1 means
  heard. A 0 says only that it was not heard.
- **Call**: all frames of one call carry the same `call_id`. An ACK names the frame that it answers by `addressee` (its
  source), `answers_session`, `answers_sequence`.
"""

ABOUT = {
    "HEADER.version": "of the wire format",
    "HEADER.type": "the message of the payload",
    "HEADER.flags": "high four: incompatible; low four: may be ignored; all 0 in this version",
    "HEADER.length": "of the whole frame, header and CRC included",
    "HEADER.channel": "that the frame is sent on, by the agreement's number",
    "HEADER.source": "address of the station that sends; ffffff is nobody's",
    "HEADER.session": "the source's life between two starts",
    "HEADER.intent": "serial of the INTENT in force, 0: none",
    "HEADER.sequence": "over all that the source sends in the session",
    "HEADER.time_quality": "bound of the time's error: see Time",
    "HEADER.time_second": "second of transmission, modulo 1024",
    "HEADER.time_microsecond": "of that second",
    "POSITION.latitude_deg": "WGS 84, north positive",
    "POSITION.longitude_deg": "WGS 84, east positive",
    "POSITION.baro_altitude_ft": "pressure altitude, 1013.25 hPa",
    "POSITION.geo_altitude_ft": "height over the WGS 84 ellipsoid",
    "POSITION.velocity_north_mps": "over ground, north positive",
    "POSITION.velocity_east_mps": "over ground, east positive",
    "POSITION.velocity_up_mps": "climb positive",
    "POSITION.heading_deg": "clockwise from true north",
    "POSITION.nic": "navigation integrity category, as in ADS-B (DO-260B)",
    "POSITION.nacp": "navigation accuracy category for position, as in ADS-B",
    "POSITION.nacv": "navigation accuracy category for velocity, as in ADS-B",
    "POSITION.gva": "geometric vertical accuracy, as in ADS-B",
    "POSITION.sil": "source integrity level, as in ADS-B",
    "POSITION.airborne": "1: in the air, 0: on the ground",
    "POSITION.emergency": "emergency and priority status, as in ADS-B",
    "POSITION.uncrewed": "1: nobody on board",
    "POSITION.degraded": "1: the source's navigation is degraded",
    "POSITION.simulated": "1: not a real aircraft",
    "POSITION.reserved": "must be 0",
    "POSITION.age_s": "how long before the header's time the position was valid",
    "POSITION.idents": "count of IDENTs sent",
    "POSITION.hails": "count of HAILs sent",
    "POSITION.acks": "count of ACKs sent",
    "POSITION.emcon": "serial of the last EMCON",
    "POSITION.receipt": "the last frame heard that was addressed to the source, or to everybody",
    "FrameKey.source": "that frame's source",
    "FrameKey.session": "that frame's session",
    "FrameKey.sequence": "that frame's sequence",
    "INTENT.serial": "of this declaration",
    "INTENT.kind": "the declared manoeuvre; AVOID: an avoidance",
    "INTENT.validity_s": "how long it still holds, from the header's time",
    "INTENT.selected_altitude_ft": "pressure altitude that the source means to hold or reach",
    "INTENT.track_deg": "over ground, clockwise from true north",
    "INTENT.speed_mps": "over ground",
    "INTENT.first": "the next point of the intended path",
    "INTENT.second": "the point after it",
    "TrajectoryPoint.latitude_deg": "WGS 84, north positive",
    "TrajectoryPoint.longitude_deg": "WGS 84, east positive",
    "TrajectoryPoint.altitude_ft": "pressure altitude",
    "TrajectoryPoint.time_over_s": "when it will be passed, from the header's time",
    "IDENT.call_sign": "see Call signs",
    "IDENT.emitter": "what kind of station it is",
    "IDENT.agreement": "first 32 bits of the digest of the agreement that the source flies under",
    "IDENT.guarded": "channels that the source listens on",
    "IDENT.sign_off": "1: the last IDENT of the session",
    "IDENT.reserved": "must be 0",
    "HAIL.addressee": "address of the station that is called",
    "HAIL.phrase": "what is said",
    "HAIL.call_id": "the same in all frames of one call",
    "HAIL.reply_by_s": "until when an answer is asked for, from the header's time",
    "HAIL.reply_channel": "channel for the answer",
    "HAIL.subject": "address of the station that the call is about",
    "ACK.addressee": "address of the station that is answered",
    "ACK.answers_session": "session of the frame that is answered",
    "ACK.answers_sequence": "sequence of the frame that is answered",
    "ACK.answers_type": "type of the frame that is answered",
    "ACK.result": "the answer",
    "ACK.reason": "why",
    "ACK.read_back": "the number that is read back",
    "FREQUENCY_CHANGE.addressee": "address of the station that is to change; not available: everybody",
    "FREQUENCY_CHANGE.serial": "of this change",
    "FREQUENCY_CHANGE.from_channel": "the channel that is left",
    "FREQUENCY_CHANGE.to_channel": "the channel that is gone to",
    "FREQUENCY_CHANGE.frequency_hz": "carrier of the new channel",
    "FREQUENCY_CHANGE.effective_s": "when the change is made, from the header's time",
    "FREQUENCY_CHANGE.fallback": "the channel to go to if nobody is heard on the new one",
    "EMERGENCY.incident": "of this emergency; the same until it is cancelled",
    "EMERGENCY.severity": "CANCEL ends it",
    "EMERGENCY.nature": "what is wrong",
    "EMERGENCY.latitude_deg": "WGS 84, north positive",
    "EMERGENCY.longitude_deg": "WGS 84, east positive",
    "EMERGENCY.altitude_ft": "pressure altitude",
    "EMERGENCY.souls": "persons on board",
    "EMERGENCY.endurance_min": "how long it can stay in the air",
    "EMERGENCY.intention": "what it will do",
    "EMERGENCY.call_sign": "see Call signs",
    "LOST_LINK.procedure": "what it does without its link; LINK_RESTORED: it has it back",
    "LOST_LINK.since_s": "since when the link is lost, before the header's time",
    "LOST_LINK.act_s": "when the procedure begins, from the header's time; 0: it has begun",
    "LOST_LINK.point": "where the procedure leads",
    "LinkPoint.latitude_deg": "WGS 84, north positive",
    "LinkPoint.longitude_deg": "WGS 84, east positive",
    "LinkPoint.altitude_ft": "pressure altitude",
    "LinkPoint.radius_m": "how far from the point it may be",
    "EMCON.serial": "of this silence",
    "EMCON.from_s": "when the silence begins, from the header's time",
    "EMCON.duration_s": "how long it is silent",
    "EMCON.resume_channel": "channel on which it is heard again",
    "SIGHTING.subject": "address of the station that is seen; not available: it is not known",
    "SIGHTING.contact": "the source's own number for what it sees",
    "SIGHTING.sensor": "what it is seen with",
    "SIGHTING.latitude_deg": "WGS 84, north positive",
    "SIGHTING.longitude_deg": "WGS 84, east positive",
    "SIGHTING.within_m": "it is no further than this from the place",
    "SIGHTING.age_s": "how long before the header's time it was seen there",
    "SIGHTING.altitude_ft": "pressure altitude",
    "SIGHTING.velocity_north_mps": "over ground, north positive",
    "SIGHTING.velocity_east_mps": "over ground, east positive",
    "WATCH.guarded": "channels that the source listens on",
    "WATCH.stations_heard": "how many stations the source hears",
    "WATCH.hails": "count of HAILs sent",
    "WATCH.acks": "count of ACKs sent",
    "WATCH.report": "how one peer is heard",
    "PeerReport.peer": "address of the peer",
    "PeerReport.session": "the peer's session",
    "PeerReport.last_sequence": "the last sequence heard of it",
    "PeerReport.earlier": "bitmap of the 32 before: see Reception report",
}
"""What each field means, by message (or group) and name."""
