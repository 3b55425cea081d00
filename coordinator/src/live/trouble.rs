//! Faults on live nodes: the same words as in scenarios, carried out by the nodes themselves.
//!
//! The faults in force stand in the world's folder; what they come to for one node is a pure
//! function of them, so a node that starts again is told the same.

use std::collections::BTreeMap;

use faultline_proto::driving::{Fault, LinkTrouble, PauseReplication, Refuse, Trouble, fault};
use faultline_proto::names::RegionName;
use serde::{Deserialize, Serialize};

use super::acting::DISABLED;
use super::folder::Folder;
use crate::scenario::quantity;

/// Every kind, with its arguments.
pub const KINDS: [(&str, &str); 11] = [
    (
        "partition",
        "between=A,B: no message passes, either way; or from=A to=B: one way",
    ),
    (
        "region_down",
        "region=A: nobody reaches it, clients included; its process and state remain",
    ),
    (
        "slow_link",
        "between=A,B latency=200ms [jitter=50ms]: messages take longer, both ways",
    ),
    (
        "messages",
        "between=A,B drop=10%: messages are lost, both ways",
    ),
    (
        "node_crash",
        "in=A: the process is killed, and stays down until this is healed",
    ),
    (
        "restart",
        "in=A: the process is stopped in good order and started again, once",
    ),
    (
        "clock_skew",
        "in=A offset=-1h: the Region's own clock is wrong",
    ),
    (
        "kms_throttled",
        "in=A [rate=5/s]: KMS refuses what is above the rate",
    ),
    (
        "service_outage",
        "in=A service=s3: every call of the service is answered with 503",
    ),
    (
        "pause_replication",
        "in=A [to=B] [stream=dynamodb]: records are kept back",
    ),
    (
        "key_disabled",
        "key=NAME [in=A]: root disables the key; healing enables it again",
    ),
];

/// A fault in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Active {
    /// Its number in this world.
    pub id: u64,
    /// Its kind.
    pub kind: String,
    /// Its arguments as they were given.
    pub arguments: BTreeMap<String, String>,
}

impl std::fmt::Display for Active {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}  {}", self.id, self.kind)?;
        for (name, value) in &self.arguments {
            write!(f, " {name}={value}")?;
        }
        Ok(())
    }
}

/// The faults in force.
///
/// # Errors
/// A sentence when the list cannot be read.
pub fn in_force(folder: &Folder) -> Result<Vec<Active>, String> {
    let path = folder.join("faults.json");
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// Writes the faults in force.
///
/// # Errors
/// A sentence when the list cannot be written.
pub fn keep(folder: &Folder, faults: &[Active]) -> Result<(), String> {
    let text = serde_json::to_string_pretty(faults).map_err(|error| error.to_string())?;
    folder.write("faults.json", &text)
}

/// Whether a fault keeps a Region's process down.
#[must_use]
pub fn holds_down(faults: &[Active], region: &RegionName) -> bool {
    faults.iter().any(|fault| {
        fault.kind == "node_crash"
            && fault
                .arguments
                .get("in")
                .is_some_and(|it| it == region.as_str())
    })
}

/// What all faults together come to for one node.
///
/// # Errors
/// A sentence for the first fault that makes no sense.
pub fn for_node(
    faults: &[Active],
    region: &RegionName,
    regions: &[RegionName],
) -> Result<Trouble, String> {
    let mut trouble = Trouble::default();
    for fault in faults {
        let reader = Reader { fault, regions };
        reader.add(region, &mut trouble)?;
    }
    Ok(trouble)
}

/// Reads one fault.
struct Reader<'a> {
    fault: &'a Active,
    regions: &'a [RegionName],
}

impl Reader<'_> {
    fn add(&self, me: &RegionName, trouble: &mut Trouble) -> Result<(), String> {
        match self.fault.kind.as_str() {
            "partition" => {
                self.knows(&["between", "from", "to"])?;
                self.partition(me, trouble)
            }
            "region_down" => {
                self.knows(&["region"])?;
                let down = self.region("region")?;
                let peer = if down == *me {
                    String::new()
                } else {
                    down.to_string()
                };
                trouble.links.push(cut(peer, true, true));
                Ok(())
            }
            "slow_link" => {
                self.knows(&["between", "latency", "jitter"])?;
                let latency = self.micros("latency")?;
                let jitter = if self.has("jitter") {
                    self.micros("jitter")?
                } else {
                    0
                };
                self.other_end(me, |peer| {
                    trouble.links.push(LinkTrouble {
                        peer,
                        latency,
                        jitter,
                        ..LinkTrouble::default()
                    })
                })
            }
            "messages" => {
                self.knows(&["between", "drop"])?;
                let loss_ppm = self.share("drop")?;
                self.other_end(me, |peer| {
                    trouble.links.push(LinkTrouble {
                        peer,
                        loss_ppm,
                        ..LinkTrouble::default()
                    })
                })
            }
            DISABLED => {
                self.knows(&["key", "in"])?;
                self.text("key")?;
                if self.has("in") {
                    self.region("in")?;
                }
                Ok(())
            }
            "node_crash" | "restart" => {
                self.knows(&["in"])?;
                self.region("in").map(drop)
            }
            "clock_skew" => {
                self.knows(&["in", "offset"])?;
                let offset = quantity::micros(self.text("offset")?);
                let offset =
                    offset.ok_or_else(|| self.wrong("offset", "a duration such as -1h or 90s"))?;
                if self.region("in")? == *me {
                    trouble.skew = trouble.skew.saturating_add(offset);
                }
                Ok(())
            }
            _ => self.inside(me, trouble),
        }
    }

    fn inside(&self, me: &RegionName, trouble: &mut Trouble) -> Result<(), String> {
        let name = format!("{}-{}", self.fault.kind, self.fault.id);
        let fault = match self.fault.kind.as_str() {
            "kms_throttled" => {
                self.knows(&["in", "rate"])?;
                let passes = if self.has("rate") { self.rate()? } else { 0 };
                let words = "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.";
                refuse(name, "kms", ("ThrottlingException", words, 400), passes)
            }
            "service_outage" => {
                self.knows(&["in", "service"])?;
                let service = self.text("service")?;
                let known = faultline_proto::registry::SERVICES
                    .iter()
                    .any(|it| it.prefix == service);
                if !known {
                    return Err(self.wrong("service", "a service such as kms or s3"));
                }
                refuse(
                    name,
                    service,
                    (
                        "ServiceUnavailable",
                        "Service is unable to handle request.",
                        503,
                    ),
                    0,
                )
            }
            "pause_replication" => {
                self.knows(&["in", "to", "stream"])?;
                let to = if self.has("to") {
                    self.region("to")?.to_string()
                } else {
                    String::new()
                };
                let stream = self
                    .fault
                    .arguments
                    .get("stream")
                    .cloned()
                    .unwrap_or_default();
                Fault {
                    name,
                    effect: Some(fault::Effect::PauseReplication(PauseReplication {
                        stream,
                        to,
                    })),
                    ..Fault::default()
                }
            }
            other => {
                let kinds: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
                return Err(format!(
                    "'{other}' is no fault of live nodes; there are: {}",
                    kinds.join(", ")
                ));
            }
        };
        if self.region("in")? == *me {
            trouble.faults.push(fault);
        }
        Ok(())
    }

    fn partition(&self, me: &RegionName, trouble: &mut Trouble) -> Result<(), String> {
        if self.has("between") {
            return self.other_end(me, |peer| trouble.links.push(cut(peer, true, true)));
        }
        let (from, to) = (self.region("from")?, self.region("to")?);
        if from == *me {
            trouble.links.push(cut(to.to_string(), true, false));
        } else if to == *me {
            trouble.links.push(cut(from.to_string(), false, true));
        }
        Ok(())
    }

    /// Calls `add` with the other Region of `between`, if this one is the one.
    fn other_end(&self, me: &RegionName, mut add: impl FnMut(String)) -> Result<(), String> {
        let text = self.text("between")?;
        let (one, other) = text
            .split_once(',')
            .ok_or_else(|| self.wrong("between", "two Regions, as in eu-west-1,us-east-1"))?;
        let (one, other) = (
            self.known(one.trim(), "between")?,
            self.known(other.trim(), "between")?,
        );
        if one == *me {
            add(other.to_string());
        } else if other == *me {
            add(one.to_string());
        }
        Ok(())
    }

    fn knows(&self, names: &[&str]) -> Result<(), String> {
        match self
            .fault
            .arguments
            .keys()
            .find(|name| !names.contains(&name.as_str()))
        {
            None => Ok(()),
            Some(name) => Err(format!(
                "{} has no argument '{name}'; it takes {}",
                self.fault.kind,
                names.join(", ")
            )),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.fault.arguments.contains_key(name)
    }

    fn text(&self, name: &str) -> Result<&str, String> {
        let found = self.fault.arguments.get(name).map(String::as_str);
        found.ok_or_else(|| format!("{} needs {name}=...", self.fault.kind))
    }

    fn wrong(&self, name: &str, wanted: &str) -> String {
        let given = self
            .fault
            .arguments
            .get(name)
            .map_or("nothing", String::as_str);
        format!(
            "{}: {name} must be {wanted}, not '{given}'",
            self.fault.kind
        )
    }

    fn region(&self, name: &str) -> Result<RegionName, String> {
        self.known(self.text(name)?, name)
    }

    fn known(&self, text: &str, name: &str) -> Result<RegionName, String> {
        let found = self.regions.iter().find(|region| region.as_str() == text);
        found.cloned().ok_or_else(|| {
            let known: Vec<&str> = self.regions.iter().map(RegionName::as_str).collect();
            format!(
                "{}: {name} must name a Region of this world ({}), not '{text}'",
                self.fault.kind,
                known.join(", ")
            )
        })
    }

    fn micros(&self, name: &str) -> Result<u64, String> {
        let found =
            quantity::duration(self.text(name)?).and_then(|it| u64::try_from(it.as_micros()).ok());
        found.ok_or_else(|| self.wrong(name, "a duration such as 200ms"))
    }

    fn share(&self, name: &str) -> Result<u32, String> {
        let found =
            quantity::parts_per_million(self.text(name)?).and_then(|it| u32::try_from(it).ok());
        found
            .filter(|share| *share <= 1_000_000)
            .ok_or_else(|| self.wrong(name, "a share such as 10%"))
    }

    fn rate(&self) -> Result<u64, String> {
        let rate = quantity::rate(self.text("rate")?)
            .ok_or_else(|| self.wrong("rate", "a rate such as 5/s"))?;
        Ok(rate.millionths / rate.per_micros.max(1))
    }
}

fn cut(peer: String, cut_out: bool, cut_in: bool) -> LinkTrouble {
    LinkTrouble {
        peer,
        cut_out,
        cut_in,
        ..LinkTrouble::default()
    }
}

fn refuse(
    name: String,
    service: &str,
    (code, message, http_status): (&str, &str, u32),
    passes_per_second: u64,
) -> Fault {
    Fault {
        name,
        service: service.to_owned(),
        effect: Some(fault::Effect::Refuse(Refuse {
            code: code.to_owned(),
            message: message.to_owned(),
            http_status,
            chance: 1,
            per: 1,
            passes_per_second,
        })),
        ..Fault::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions() -> Vec<RegionName> {
        ["eu-west-1", "us-east-1", "ap-south-1"]
            .map(|name| RegionName::new(name).expect("a Region"))
            .into()
    }

    fn of(kind: &str, arguments: &[(&str, &str)]) -> Active {
        let pairs = arguments
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Active {
            id: 1,
            kind: kind.to_owned(),
            arguments: pairs.collect(),
        }
    }

    fn come_to(fault: Active, at: usize) -> Trouble {
        for_node(&[fault], &regions()[at], &regions()).expect("it makes sense")
    }

    #[test]
    fn a_partition_is_felt_at_both_ends_and_nowhere_else() {
        let fault = || of("partition", &[("between", "eu-west-1,us-east-1")]);
        assert_eq!(
            come_to(fault(), 0).links,
            [cut("us-east-1".into(), true, true)]
        );
        assert_eq!(
            come_to(fault(), 1).links,
            [cut("eu-west-1".into(), true, true)]
        );
        assert_eq!(come_to(fault(), 2), Trouble::default());
        let one_way = || of("partition", &[("from", "eu-west-1"), ("to", "us-east-1")]);
        assert_eq!(
            come_to(one_way(), 0).links,
            [cut("us-east-1".into(), true, false)]
        );
        assert_eq!(
            come_to(one_way(), 1).links,
            [cut("eu-west-1".into(), false, true)]
        );
    }

    #[test]
    fn faults_of_one_region_stay_there() {
        let skew = of("clock_skew", &[("in", "us-east-1"), ("offset", "-1h")]);
        assert_eq!(come_to(skew.clone(), 1).skew, -3_600_000_000);
        assert_eq!(come_to(skew, 0).skew, 0);
        let throttled = of("kms_throttled", &[("in", "eu-west-1"), ("rate", "5/s")]);
        let trouble = come_to(throttled, 0);
        let Some(fault::Effect::Refuse(refuse)) = &trouble.faults[0].effect else {
            panic!("it refuses");
        };
        assert_eq!(
            (refuse.code.as_str(), refuse.passes_per_second),
            ("ThrottlingException", 5)
        );
        let slow = of(
            "slow_link",
            &[("between", "eu-west-1,ap-south-1"), ("latency", "200ms")],
        );
        assert_eq!(come_to(slow, 2).links[0].latency, 200_000);
        let lossy = of(
            "messages",
            &[("between", "eu-west-1,ap-south-1"), ("drop", "10%")],
        );
        assert_eq!(come_to(lossy, 0).links[0].loss_ppm, 100_000);
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        let cases = [
            (of("earthquake", &[]), "there are: partition"),
            (of("partition", &[("between", "eu-west-1")]), "two Regions"),
            (
                of("partition", &[("between", "eu-west-1,mars-north-1")]),
                "mars-north-1",
            ),
            (of("key_disabled", &[("in", "eu-west-1")]), "needs key="),
            (
                of("slow_link", &[("between", "eu-west-1,us-east-1")]),
                "needs latency=",
            ),
            (
                of("clock_skew", &[("in", "eu-west-1"), ("offset", "late")]),
                "a duration",
            ),
            (
                of("clock_skew", &[("in", "eu-west-1"), ("ofset", "1s")]),
                "has no argument 'ofset'",
            ),
            (
                of("service_outage", &[("in", "eu-west-1"), ("service", "sqs")]),
                "a service such as",
            ),
        ];
        for (fault, words) in cases {
            let problem = for_node(&[fault], &regions()[0], &regions()).expect_err("it makes none");
            assert!(problem.contains(words), "{problem}");
        }
    }

    #[test]
    fn a_crashed_region_is_held_down() {
        let crash = [of("node_crash", &[("in", "us-east-1")])];
        assert!(holds_down(&crash, &regions()[1]));
        assert!(!holds_down(&crash, &regions()[0]));
    }
}
