//! Bills to read: a table for people, a document for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Bill;
use super::prices::{RequestKind, prices};

/// Dollars with as many places as say something: `$2.00`, `$0.000045`.
fn dollars(nano: u64) -> String {
    let (whole, part) = (nano / 1_000_000_000, nano % 1_000_000_000);
    let digits = format!("{part:09}");
    let places = digits.trim_end_matches('0').len().clamp(2, 6);
    format!("${whole}.{}", &digits[..places])
}

/// The report of several runs, for programs. Members that are money end in `nano_usd`.
#[must_use]
pub fn document(bills: &[Bill]) -> Value {
    json!({ "as_of": prices().as_of, "source": prices().source, "runs": bills })
}

/// The report of several runs.
#[must_use]
pub fn table(bills: &[Bill]) -> String {
    let mut text = format!(
        "What KMS would have cost, in {} at the prices of {} ({}).\n\
         Keys are billed by the hour; \"a month\" is what they cost if all stays as it ended.\n",
        prices().currency,
        prices().as_of,
        prices().source
    );
    for bill in bills {
        one(&mut text, bill);
    }
    text
}

fn one(text: &mut String, bill: &Bill) {
    let hours = bill.simulated as f64 / 3_600_000_000.0;
    let mut put = |line: String| writeln!(text, "{}", line.trim_end()).expect("text takes text");
    put(String::new());
    put(format!(
        "{}, seed {}, {hours:.2} hours simulated",
        bill.name, bill.seed
    ));
    put(format!(
        "  {:<12} {:<15} {:>5} {:>9} {:>10} {:>10} {:>10} {:>10}",
        "account", "Region", "keys", "replicas", "rotations", "requests", "this run", "a month"
    ));
    for place in &bill.places {
        let requests: u64 = place.requests.values().sum();
        put(format!(
            "  {:<12} {:<15} {:>5} {:>9} {:>10} {requests:>10} {:>10} {:>10}",
            place.account,
            place.region,
            place.keys,
            place.replicas,
            place.rotations,
            dollars(place.so_far),
            dollars(place.a_month),
        ));
    }
    for (account, kinds) in &bill.accounts {
        for (kind, requests) in kinds {
            let free = prices()
                .requests
                .get(kind)
                .map_or(0, |price| price.free_a_month);
            let free = if free == 0 {
                "none of them free".to_owned()
            } else {
                format!("{free} a month are free in all Regions together")
            };
            put(format!(
                "  requests of {account}, {}: {}, {} ({free})",
                words(*kind),
                requests.count,
                dollars(requests.cost)
            ));
        }
    }
    put(format!(
        "  together {}, and {} a month for keys",
        dollars(bill.so_far()),
        dollars(bill.a_month())
    ));
}

fn words(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::Standard => "symmetric, HMAC, RSA_2048 and management",
        RequestKind::Asymmetric => "other asymmetric keys",
        RequestKind::PairsEcc => "data key pairs of elliptic curves",
        RequestKind::PairsRsa => "data key pairs of RSA",
    }
}
