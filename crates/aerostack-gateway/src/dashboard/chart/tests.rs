//! Charts of two or three columns, to the last stroke.

use super::*;

fn plan(shape: Shape, unit: Unit, series: &[(&'static str, &[Option<f64>])]) -> Plan {
    let first = Grain::Day.bucket(Timestamp::parse("2026-03-16").unwrap());
    let count = i64::try_from(series[0].1.len()).unwrap();
    Plan {
        id: "calls",
        title: "Calls",
        summary: "Three calls & more.".to_owned(),
        unit,
        shape,
        grain: Grain::Day,
        slots: (first..first + count).map(|bucket| Grain::Day.start(bucket)).collect(),
        series: series
            .iter()
            .map(|(name, values)| Series { name, tone: name, values: values.to_vec() })
            .collect(),
    }
}

#[test]
fn bars_stand_on_one_another_and_what_is_there_at_all_is_seen() {
    let ok: &[_] = &[Some(2.0), Some(4.0)];
    let drawn = Chart::draw(plan(Shape::Bars, Unit::Count, &[("ok", ok), ("bad", &[Some(1.0), Some(0.0)])]));
    // 436 wide, 152 high, up to 4: two columns of 218, 38 for each.
    assert_eq!(drawn.paths, ["M94.3 162v-76h161.3v76zM312.3 162v-152h161.3v152z", "M94.3 86v-38h161.3v38z"]);
    let few: &[_] = &[Some(1_000_000.0), Some(1.0)];
    let drawn = Chart::draw(plan(Shape::Bars, Unit::Count, &[("ok", few)]));
    assert_eq!(drawn.paths, ["M94.3 162v-152h161.3v152zM312.3 162v-1.5h161.3v1.5z"]);
}

#[test]
fn lines_break_at_gaps_and_a_lone_value_is_a_point() {
    let values: &[_] = &[Some(0.0), Some(100.0), None, Some(50.0)];
    let drawn = Chart::draw(plan(Shape::Lines, Unit::Percent, &[("rate", values)]));
    assert_eq!(drawn.paths, ["M120.5 162L229.5 10M443.5 86h8"]);
}

#[test]
fn axes_have_values_with_their_unit_and_days() {
    let drawn = Chart::draw(plan(Shape::Lines, Unit::Millis, &[("p50", &[Some(80.0), None])]));
    let told =
        |labels: &[Label]| labels.iter().map(|of| format!("{}@{}", of.text, of.place)).collect::<Vec<_>>();
    assert_eq!(told(&drawn.ticks), ["0 ms@162", "20 ms@124", "40 ms@86", "60 ms@48", "80 ms@10"]);
    assert_eq!(told(&drawn.times), ["16 Mar@175", "17 Mar@393"]);
}

#[test]
fn every_column_says_what_it_holds() {
    let values: &[_] = &[Some(1_204.0), None];
    let drawn =
        Chart::draw(plan(Shape::Bars, Unit::Count, &[("ok", values), ("errors", &[Some(3.0), None])]));
    let said: Vec<String> = drawn.columns.iter().map(|column| column.words(&drawn.plan.series)).collect();
    assert_eq!(said, ["16 Mar: ok 1,204, errors 3", "17 Mar: nothing"]);
    assert_eq!(drawn.columns[1].path, "M393 10v152");
}

#[test]
fn a_chart_is_an_image_with_a_name_and_has_its_values_as_a_table() {
    let drawn = Chart::draw(plan(Shape::Bars, Unit::Count, &[("ok", &[Some(2.0), None])]));
    let html = drawn.render().unwrap();
    assert!(html.contains("role=\"img\" aria-label=\"Three calls &#38; more.\""), "{html}");
    assert!(html.contains("<title>16 Mar: ok 2</title>"), "{html}");
    assert!(html.contains("<tr><th>16 Mar<td>2\n<tr><th>17 Mar<td>–\n"), "{html}");
    assert!(!html.contains("style"), "{html}");
}

#[test]
fn a_chart_of_nothing_is_drawn_too() {
    let drawn = Chart::draw(plan(Shape::Bars, Unit::Count, &[("ok", &[])]));
    assert_eq!((drawn.paths, drawn.columns.len(), drawn.times.len()), (vec![String::new()], 0, 0));
}
