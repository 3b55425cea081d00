//! The shell around a Region: everything that does IO.
//!
//! - [`store`]: the Region's rows on disk, over sled.

pub mod store;
