//! End-to-end proofs; everything is under `tests/tests/`.
