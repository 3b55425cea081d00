//! Benchmarks; everything is under `benches/`.
