//! The page's side of a lab, on the first lab of this program.

use std::path::Path;

use serde_json::Value;

use super::house::{Class, House};
use super::room::Act;
use crate::labs::shelf;

const ID: &str = "envelope-encryption";

fn house(root: &Path) -> House {
    House::new(root.to_owned(), None, None).expect("there are labs")
}

fn act(house: &House, act: Act) -> Result<Value, String> {
    house.with(ID, true, |room| room.act(act).map(|()| room.shown()))?
}

fn text(file: &str) -> String {
    let labs = shelf::own();
    labs[0].text(file).expect("it is there").to_owned()
}

fn saved(file: &str) -> Act {
    Act::Save { text: text(file) }
}

#[test]
fn a_learner_goes_through_a_lab_and_the_terminal_sees_the_same_progress() {
    let root = tempfile::tempdir().expect("a folder");
    let house = house(root.path());
    assert!(house.with(ID, false, |_| ()).is_err(), "it was not begun");
    let wrong = act(&house, Act::Answer { number: 1 }).expect("it is taken");
    let question = &wrong["step"]["question"];
    assert_eq!(question["right"], false);
    assert!(
        question["so"]
            .as_str()
            .is_some_and(|so| so.contains("4,096"))
    );
    assert!(wrong["step"]["explain"].is_null(), "not yet");
    assert!(act(&house, Act::Next).is_err(), "passing comes first");
    let right = act(&house, Act::Answer { number: 2 }).expect("it is taken");
    assert_eq!(
        (&right["step"]["state"], &right["place"]),
        (&"done".into(), &0.into())
    );
    let next = act(&house, Act::Next).expect("moving on is another act");
    assert_eq!(
        (&next["place"], &next["file"]),
        (&1.into(), &"program.yaml".into())
    );
    assert!(act(&house, Act::Solution).is_err(), "after three tries");

    let failed = act(&house, saved("wrong/half-the-page.yaml")).expect("it is judged");
    assert_eq!(failed["passed"], false);
    let said = failed["checks"][0]["said"].as_str().unwrap_or_default();
    assert!(said.contains("encrypt nothing with KMS itself"), "{said}");
    let run = house
        .with(ID, false, |room| room.run())
        .expect("it is open");
    assert_eq!(
        run["run"]["verdict"], "fail",
        "the run that failed is shown"
    );
    let hinted = act(&house, Act::Hint).expect("it has hints");
    assert_eq!(hinted["step"]["hints"].as_array().map(Vec::len), Some(1));

    let passed = act(&house, saved("solutions/program.yaml")).expect("it is judged");
    assert_eq!(
        (&passed["passed"], &passed["step"]["state"]),
        (&true.into(), &"done".into())
    );
    let folder = root.path().join(ID);
    let progress = std::fs::read_to_string(folder.join("progress.json")).expect("it is kept");
    assert!(
        progress.contains("\"tries\": 2") && progress.contains("\"hints\": 1"),
        "{progress}"
    );
    assert_eq!(house.list()["labs"][0]["done"], 2);
}

#[test]
fn a_save_of_another_editor_is_judged_when_it_stands_still() {
    let root = tempfile::tempdir().expect("a folder");
    let house = house(root.path());
    act(&house, Act::Answer { number: 2 }).expect("it is taken");
    act(&house, Act::Next).expect("it goes on");
    let file = root.path().join(ID).join("program.yaml");
    let look = || {
        let looked = house.with(ID, false, |room| {
            room.look();
            room.shown()
        });
        looked.expect("it is open")
    };
    assert!(look()["passed"].is_null(), "nobody saved anything");
    std::fs::write(&file, text("solutions/program.yaml")).expect("it is written");
    assert!(look()["passed"].is_null(), "it may be half of it");
    let seen = look();
    assert_eq!(
        (&seen["passed"], &seen["step"]["tries"]),
        (&true.into(), &1.into())
    );
    assert_eq!(look()["version"], seen["version"], "once is enough");
}

#[test]
fn squiggles_and_offers_are_the_checkers_and_the_schemas() {
    let root = tempfile::tempdir().expect("a folder");
    let house = house(root.path());
    act(&house, Act::Answer { number: 2 }).expect("it is taken");
    act(&house, Act::Next).expect("it goes on");
    let written = "steps:\n  - { as: clerk, kms.encrpyt: { key_id: contracts } }\n";
    let (found, offers) = house
        .with(ID, false, |room| {
            let offers = room.offers("steps:\n  - as: clerk\n    kms.generate_data_key: { key_");
            (room.findings(written), offers)
        })
        .expect("it is open");
    let one = found
        .as_array()
        .and_then(|all| all.iter().find(|it| it["code"] != ""))
        .expect("a finding");
    assert_eq!(
        (&one["file"], &one["line"]),
        (&"program.yaml".into(), &2.into()),
        "{found}"
    );
    assert!(
        offers.offers.iter().any(|it| it.word == "key_spec"),
        "{offers:?}"
    );
}

#[test]
fn a_class_is_sent_no_solution_and_no_step_to_come() {
    let root = tempfile::tempdir().expect("a folder");
    let class = Class {
        lab: ID.to_owned(),
        folder: root.path().join("wall"),
    };
    let house = House::new(root.path().to_owned(), None, Some(class)).expect("a lab");
    assert_eq!(house.list()["labs"].as_array().map(Vec::len), Some(1));
    assert!(
        house.with("two-doors", true, |_| ()).is_err(),
        "no other lab"
    );
    for refused in [Act::Solution, Act::Skip] {
        assert!(act(&house, refused).is_err());
    }
    let shown = act(&house, Act::Hint)
        .expect("hints are for everybody")
        .to_string();
    assert!(!shown.contains("Use a data key"), "{shown}");
    assert!(!shown.contains("\"right\":true"), "{shown}");
    let next = act(&house, Act::Next).expect("done or not");
    assert_eq!(next["step"]["title"], "Use a data key");
    let solution = text("solutions/program.yaml");
    assert_ne!(next["text"].as_str(), Some(solution.as_str()));
    assert!(next["step"]["solution"].is_null());
    let back = act(&house, Act::Back).expect("there is one before");
    assert_eq!(back["place"], 0);
}
