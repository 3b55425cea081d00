//! Capacity units, as DynamoDB counts them.
//!
//! A read is one unit for each started 4 KB, half when it may be stale, twice in a transaction;
//! a write is one for each started KB of the larger of the item before and after, twice in a
//! transaction; every index that a write changes is charged beside the table. Nothing is
//! throttled: units are told, not limited.

use std::collections::BTreeMap;

use faultline_proto::dynamodb::{Capacity, ConsumedCapacity};

use super::names::TableName;

/// What a call used of one table and its indexes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Used {
    pub(crate) table: f64,
    /// By whether it is global, and name.
    pub(crate) indexes: BTreeMap<(bool, String), f64>,
}

/// Whether a transaction's answer says read or write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    Read,
    Write,
}

/// Write units of a size in bytes.
pub(crate) fn written(size: u64) -> f64 {
    size.div_ceil(1024).max(1) as f64
}

/// Read units of a size in bytes.
pub(crate) fn read(size: u64, consistent: bool) -> f64 {
    let units = size.div_ceil(4096).max(1) as f64;
    if consistent { units } else { units / 2.0 }
}

/// Adds what another call about the same table used, both as they were told.
pub(crate) fn add_told(sum: &mut ConsumedCapacity, more: &ConsumedCapacity) {
    let add = |sum: &mut Option<f64>, more: Option<f64>| {
        if let Some(more) = more {
            *sum = Some(sum.unwrap_or_default() + more);
        }
    };
    add(&mut sum.capacity_units, more.capacity_units);
    if let Some(more) = &more.table {
        add(
            &mut sum.table.get_or_insert_default().capacity_units,
            more.capacity_units,
        );
    }
    for (index, more) in &more.global_secondary_indexes {
        let index = sum.global_secondary_indexes.entry(index.clone());
        add(&mut index.or_default().capacity_units, more.capacity_units);
    }
}

impl Used {
    /// Units of the table alone.
    pub(crate) fn of_table(units: f64) -> Self {
        Self {
            table: units,
            ..Self::default()
        }
    }

    /// Adds what another action used.
    pub(crate) fn add(&mut self, more: &Self) {
        self.table += more.table;
        for (index, units) in &more.indexes {
            *self.indexes.entry(index.clone()).or_default() += units;
        }
    }

    /// The same, charged `factor` times.
    pub(crate) fn times(mut self, factor: f64) -> Self {
        self.table *= factor;
        self.indexes.values_mut().for_each(|units| *units *= factor);
        self
    }

    fn total(&self) -> f64 {
        self.table + self.indexes.values().sum::<f64>()
    }

    /// What ReturnConsumedCapacity asks for.
    pub(crate) fn shown(
        &self,
        wanted: Option<&str>,
        name: &TableName,
        kind: Kind,
    ) -> Option<ConsumedCapacity> {
        let indexes = match wanted {
            Some("INDEXES") => true,
            Some("TOTAL") => false,
            _ => return None,
        };
        let split = |units: f64| match kind {
            Kind::Plain => (None, None),
            Kind::Read => (Some(units), None),
            Kind::Write => (None, Some(units)),
        };
        let part = |units: f64| {
            let (read_capacity_units, write_capacity_units) = split(units);
            Capacity {
                read_capacity_units,
                write_capacity_units,
                capacity_units: Some(units),
            }
        };
        let of = |global: bool| {
            self.indexes
                .iter()
                .filter(|((is, _), _)| indexes && *is == global)
                .map(|((_, name), units)| (name.clone(), part(*units)))
                .collect()
        };
        let (read_capacity_units, write_capacity_units) = split(self.total());
        Some(ConsumedCapacity {
            table_name: Some(name.name.clone()),
            capacity_units: Some(self.total()),
            read_capacity_units,
            write_capacity_units,
            table: indexes.then(|| part(self.table)),
            local_secondary_indexes: of(false),
            global_secondary_indexes: of(true),
        })
    }
}
