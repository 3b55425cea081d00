//! Steps a second: a Region in this process, over embedded gRPC, and over sled.
//!
//! Over gRPC one step at a time is what a run does, which waits for each; with many in flight
//! stands what the node can do.

use std::time::Duration;

use crate::clock::Clock;
use crate::driver::{Driver, Embedded, InProcess, Steps, get_of, line_of, put_of, query};
use crate::table::{Aim, Table};

const LENGTH: usize = 1024;
const PATIENCE: Duration = Duration::from_millis(1500);
const WARM_UP: u64 = 2_000;
const IN_FLIGHT: usize = 64;
/// Items of the partition that is queried.
const PARTITION: u64 = 10_000;

/// A call that is made again and again.
#[derive(Clone, Copy)]
enum What {
    Decrypt,
    Put,
    Get,
    Query,
    Encrypt,
    DataKey,
    Sign,
}

/// What the figure of a row is.
#[derive(Clone, Copy)]
enum Counted {
    /// Steps in a second of processor time: what one core can do.
    ACore,
    /// Steps in a second of the wall clock.
    ASecond,
}

/// All rows.
pub fn all(table: &mut Table) {
    for what in [What::Decrypt, What::Put, What::Get] {
        let row = |over: &str| format!("{}, {over}", what.name());
        measure(
            table,
            &row("loopback"),
            what,
            InProcess::new,
            1,
            Counted::ACore,
            Some(100_000.0),
        );
        let over = "embedded gRPC, memory";
        measure(
            table,
            &row(over),
            what,
            Embedded::memory,
            1,
            Counted::ASecond,
            Some(15_000.0),
        );
        let over = "embedded gRPC, memory, 64 in flight";
        measure(
            table,
            &row(over),
            what,
            Embedded::memory,
            IN_FLIGHT,
            Counted::ASecond,
            Some(15_000.0),
        );
        let over = "embedded gRPC, sled, every step flushed";
        measure(
            table,
            &row(over),
            what,
            Embedded::sled,
            1,
            Counted::ASecond,
            Some(4_000.0),
        );
        let over = "embedded gRPC, sled, 64 in flight";
        measure(
            table,
            &row(over),
            what,
            Embedded::sled,
            IN_FLIGHT,
            Counted::ASecond,
            Some(4_000.0),
        );
    }
    for what in [What::Query, What::Encrypt, What::DataKey, What::Sign] {
        let name = format!("{}, loopback", what.name());
        let new = InProcess::new;
        measure(table, &name, what, new, 1, Counted::ACore, None);
    }
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Decrypt => "`kms.decrypt` 1 KiB",
            Self::Put => "`dynamodb.put_item` 1 KiB",
            Self::Get => "`dynamodb.get_item` 1 KiB",
            Self::Query => "`dynamodb.query`, 100 items of a partition of 10,000",
            Self::Encrypt => "`kms.encrypt` 1 KiB",
            Self::DataKey => "`kms.generate_data_key` AES_256",
            Self::Sign => "`kms.sign` 1 KiB, ECC_NIST_P256",
        }
    }
}

fn measure<D: Steps>(
    table: &mut Table,
    name: &str,
    what: What,
    regions: impl Fn() -> D,
    in_flight: usize,
    counted: Counted,
    aim: Option<f64>,
) {
    if !table.wants(name) {
        return;
    }
    let mut driver = Driver::new(regions());
    let again =
        |request: Vec<u8>| -> Box<dyn Fn(u64) -> Vec<u8>> { Box::new(move |_| request.clone()) };
    let (operation, request): (_, Box<dyn Fn(u64) -> Vec<u8>>) = match what {
        What::Decrypt => ("kms.Decrypt", again(driver.decrypt_of(LENGTH))),
        What::Put => {
            driver.table();
            ("dynamodb.PutItem", Box::new(|at| put_of(at, LENGTH)))
        }
        What::Get => {
            driver.table();
            let put = |at| put_of(at, LENGTH);
            driver.calls("dynamodb.PutItem", &put, 1_000, in_flight);
            ("dynamodb.GetItem", Box::new(get_of))
        }
        What::Query => {
            driver.sorted_table();
            driver.calls("dynamodb.PutItem", &line_of, PARTITION, in_flight);
            ("dynamodb.Query", again(query()))
        }
        What::Encrypt => ("kms.Encrypt", again(driver.encrypt_of(LENGTH))),
        What::DataKey => ("kms.GenerateDataKey", again(driver.data_key())),
        What::Sign => ("kms.Sign", again(driver.sign_of(LENGTH))),
    };
    let mut count = table.count.unwrap_or(0);
    let clock = Clock::start();
    let (warm_up, portion) = match what {
        // Each opens ten thousand items.
        What::Query => (3, 10),
        _ => (WARM_UP, 1_000),
    };
    if count > 0 {
        driver.calls(operation, &request, count, in_flight);
    } else {
        driver.calls(operation, &request, warm_up, in_flight);
    }
    let clock = if count > 0 { clock } else { Clock::start() };
    while table.count.is_none() && clock.passed().wall < PATIENCE {
        driver.calls(operation, &request, portion, in_flight);
        count += portion;
    }
    let passed = clock.passed();
    let a_core = count as f64 / passed.processor.as_secs_f64().max(0.001);
    let a_second = count as f64 / passed.wall.as_secs_f64();
    let aim = aim.map_or(Aim::None, Aim::AtLeast);
    match counted {
        Counted::ACore => table.row(name, a_core, "/s", Some(a_second), aim),
        Counted::ASecond => table.row(name, a_second, "/s", None, aim),
    }
}
