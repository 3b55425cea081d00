//! Writes that are not stored yet and a store's rows as one ordered sequence.

use std::collections::BTreeMap;
use std::iter::Peekable;

use bytes::Bytes;

use super::{Order, RawRow, RawRows, StoreError};

/// What an overlay says of a span: `Some` is a row, `None` a deletion.
pub type Writes<'a> = BTreeMap<&'a Bytes, Option<&'a Bytes>>;

/// The rows of `stored`, with `writes` over them, in `order`.
#[must_use]
pub fn merge<'a>(writes: Writes<'a>, stored: RawRows<'a>, order: Order) -> RawRows<'a> {
    if writes.is_empty() {
        return stored;
    }
    let written: Box<dyn Iterator<Item = (&'a Bytes, Option<&'a Bytes>)> + 'a> = match order {
        Order::Forward => Box::new(writes.into_iter()),
        Order::Backward => Box::new(writes.into_iter().rev()),
    };
    Box::new(Merged {
        written: written.peekable(),
        stored: stored.peekable(),
        order,
    })
}

struct Merged<'a, W: Iterator<Item = (&'a Bytes, Option<&'a Bytes>)>> {
    written: Peekable<W>,
    stored: Peekable<RawRows<'a>>,
    order: Order,
}

impl<'a, W: Iterator<Item = (&'a Bytes, Option<&'a Bytes>)>> Merged<'a, W> {
    /// Whether the overlay speaks next: it does when both stand at one key.
    fn overlay_is_next(&mut self) -> bool {
        let Some((written, _)) = self.written.peek() else {
            return false;
        };
        match self.stored.peek() {
            None => true,
            Some(Err(_)) => false,
            Some(Ok((stored, _))) => match self.order {
                Order::Forward => *written <= stored,
                Order::Backward => *written >= stored,
            },
        }
    }
}

impl<'a, W: Iterator<Item = (&'a Bytes, Option<&'a Bytes>)>> Iterator for Merged<'a, W> {
    type Item = Result<RawRow, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if !self.overlay_is_next() {
                return self.stored.next();
            }
            let (key, value) = self.written.next()?;
            self.stored
                .next_if(|row| row.as_ref().is_ok_and(|(stored, _)| stored == key));
            if let Some(value) = value {
                return Some(Ok((key.clone(), value.clone())));
            }
        }
    }
}
