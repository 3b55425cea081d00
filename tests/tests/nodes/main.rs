//! Live nodes as processes: what stops, dies, is cut off or is asked for secrets. One program, so
//! that those that mostly wait do so side by side.

mod namespaces;
mod secrets;
mod soaking;
mod stopping;
