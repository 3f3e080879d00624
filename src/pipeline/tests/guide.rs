//! The guide's examples are files of the language, and the schema knows what the reader knows.

use serde_json::Value;

use super::super::schedule_spec::SCHEDULE_KEYS;
use super::super::schema::json_schema;
use super::super::sensor_spec::{CONDITIONS, DETAILS};
use super::super::spec::{FILE_KEYS, INHERITED_KEYS, NODE_KEYS};
use super::findings::{pipeline, report};

#[test]
fn every_example_of_the_guide_is_a_pipeline() {
    let texts = [include_str!("../../../docs/language.md"), include_str!("../../../README.md")];
    let fenced = texts.iter().flat_map(|text| text.split("```yaml\n").skip(1));
    let examples: Vec<&str> = fenced.filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() >= 7, "{} examples", examples.len());
    for example in examples {
        if example.starts_with("# sexton.yaml") {
            let file = crate::yaml::report::SourceFile::new("sexton.yaml", example);
            assert!(!crate::config::settings::parse(&file).1.has_errors(), "{example}");
        } else {
            pipeline(example);
        }
    }
}

#[test]
fn every_key_is_in_the_guide() {
    let guide = include_str!("../../../docs/language.md");
    let keys = NODE_KEYS.iter().chain(&INHERITED_KEYS).chain(&FILE_KEYS).chain(&SCHEDULE_KEYS);
    for key in keys.chain(&CONDITIONS).chain(DETAILS.iter().map(|(key, _)| key)) {
        assert!(guide.contains(&format!("`{key}`")), "{key} is not in the guide");
    }
    let words = "none latest all queue skip cancel_running gap after overlap first second both \
                 fail skip_rest continue pass wait GET HEAD POST";
    for word in words.split(' ') {
        assert!(["`", " "].iter().any(|before| guide.contains(&format!("{before}{word}`"))), "{word}");
    }
}

#[test]
fn the_schema_describes_what_the_reader_reads() {
    let schema = json_schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let keys = |properties: &Value| {
        properties.as_object().unwrap().keys().cloned().collect::<std::collections::BTreeSet<_>>()
    };
    let node = &schema["$defs"]["node"]["anyOf"][1];
    let expected = NODE_KEYS.iter().chain(&INHERITED_KEYS).map(|key| (*key).to_owned()).collect();
    assert_eq!(keys(&node["properties"]), expected);
    let root = expected.iter().cloned().chain(FILE_KEYS.iter().map(|key| (*key).to_owned())).collect();
    assert_eq!(keys(&schema["properties"]), root);
    let properties = |name: &str| &schema["$defs"][name]["properties"];
    let schedule = properties("ScheduleKeys");
    assert_eq!(keys(schedule), SCHEDULE_KEYS.iter().map(|key| (*key).to_owned()).collect());
    let sensor = properties("SensorKeys");
    let details = DETAILS.iter().map(|(key, _)| key);
    assert_eq!(keys(sensor), CONDITIONS.iter().chain(details).map(|key| (*key).to_owned()).collect());
    for properties in [
        &schema["properties"],
        &node["properties"],
        properties("RetryKeys"),
        schedule,
        properties("DstKeys"),
        sensor,
    ] {
        for (key, property) in properties.as_object().unwrap() {
            assert!(
                property["description"].as_str().is_some_and(|text| text.len() > 10),
                "{key}: {property}"
            );
        }
    }
    assert_eq!(node["oneOf"].as_array().map(Vec::len), Some(6));
    assert_eq!(schema["$defs"]["sensor"]["oneOf"].as_array().map(Vec::len), Some(7));
    assert_eq!(node["additionalProperties"], false);
    assert!(schema["$defs"]["duration"]["pattern"].as_str().is_some_and(|pattern| pattern.starts_with('^')));
    let text = schema.to_string();
    assert!(!text.contains("\"null\""), "an absent key is the only way to say nothing");
    for reference in text.split("\"$ref\":\"#/$defs/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schema["$defs"].get(name).is_some(), "{name} is not defined");
    }
}

#[test]
fn findings_are_listed_for_programs_and_coloured_for_people() {
    let report = report("exec: run\nenv: {é: x}\ntimeout: 1m\ntimeout: 2m\n");
    let list = report.to_json();
    assert_eq!(list.as_array().map(Vec::len), Some(2));
    assert_eq!(
        (&list[0]["line"], &list[0]["column"], &list[0]["end_column"]),
        (&2.into(), &7.into(), &8.into())
    );
    assert_eq!(list[1]["severity"], "error");
    assert_eq!(list[1]["file"], "nightly.yaml");
    assert_eq!(list[1]["related"][0]["line"], 3);
    assert!(list[1]["help"][0].is_string());
    assert!(report.render(true).contains("\u{1b}["));
    assert!(!report.render(false).contains('\u{1b}'));
}
