//! Lanes: code that waits, polled by us and in our order.
//!
//! What a scenario does is written as `async fn`, but no runtime runs it. A future here
//! waits for a [`Promise`] that an event of the queue keeps, and there is no other way to
//! wait; so the loop is: poll everything, and when all wait, take the next event. Lanes are
//! polled in the order in which they were joined. Nothing wakes anybody from another thread.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// A future of one thread, in a box.
pub type Lane<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A value that comes later: the event's side.
#[derive(Debug)]
pub struct Promise<T>(Rc<RefCell<Option<T>>>);

/// A value that comes later: the waiting side.
#[derive(Debug)]
pub struct Promised<T>(Rc<RefCell<Option<T>>>);

impl<T> Promise<T> {
    /// Both sides.
    #[must_use]
    pub fn new() -> (Self, Promised<T>) {
        let cell = Rc::new(RefCell::new(None));
        (Self(Rc::clone(&cell)), Promised(cell))
    }

    /// Keeps it.
    pub fn keep(self, value: T) {
        *self.0.borrow_mut() = Some(value);
    }
}

impl<T> Future for Promised<T> {
    type Output = T;
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        self.0
            .borrow_mut()
            .take()
            .map_or(Poll::Pending, Poll::Ready)
    }
}

/// Lanes side by side, until all are done. Their results come in the order given.
pub struct Join<'a, T> {
    lanes: Vec<Result<T, Lane<'a, T>>>,
}

impl<T> std::fmt::Debug for Join<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Join")
            .field("lanes", &self.lanes.len())
            .finish()
    }
}

/// Runs `lanes` together; of two that could go on, the one given first goes first.
#[must_use]
pub fn join<T>(lanes: Vec<Lane<'_, T>>) -> Join<'_, T> {
    Join {
        lanes: lanes.into_iter().map(Err).collect(),
    }
}

impl<T: Unpin> Future for Join<'_, T> {
    type Output = Vec<T>;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Vec<T>> {
        let mut done = true;
        for lane in &mut self.lanes {
            if let Err(future) = lane {
                match future.as_mut().poll(context) {
                    Poll::Ready(value) => *lane = Ok(value),
                    Poll::Pending => done = false,
                }
            }
        }
        if !done {
            return Poll::Pending;
        }
        Poll::Ready(
            std::mem::take(&mut self.lanes)
                .into_iter()
                .filter_map(Result::ok)
                .collect(),
        )
    }
}

/// Polls `future` once; nobody is woken, the caller knows when to poll again.
pub fn poll_once<T>(future: &mut Pin<&mut dyn Future<Output = T>>) -> Poll<T> {
    future
        .as_mut()
        .poll(&mut Context::from_waker(std::task::Waker::noop()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_go_on_in_the_order_given_and_answer_in_it() {
        let said = RefCell::new(Vec::new());
        let (first, first_comes) = Promise::new();
        let (second, second_comes) = Promise::new();
        let lane = |name: &'static str, comes: Promised<u8>| -> Lane<'_, u8> {
            let said = &said;
            Box::pin(async move {
                said.borrow_mut().push(name);
                let value = comes.await;
                said.borrow_mut().push(name);
                value
            })
        };
        let joined = join(vec![lane("a", first_comes), lane("b", second_comes)]);
        let mut joined: Pin<&mut dyn Future<Output = Vec<u8>>> = std::pin::pin!(joined);
        assert!(poll_once(&mut joined).is_pending());
        second.keep(2);
        assert!(poll_once(&mut joined).is_pending());
        first.keep(1);
        assert_eq!(poll_once(&mut joined), Poll::Ready(vec![1, 2]));
        assert_eq!(*said.borrow(), ["a", "b", "b", "a"]);
    }
}
