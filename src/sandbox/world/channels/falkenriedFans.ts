/** A fans' channel in German that passes on what the newsroom wrote. */
import type { DemoChannel } from "../DemoPost.ts"
import { album, photo, repost, retold, story } from "../DemoPost.ts"
import { footballStories } from "./nordkurveNews.ts"

/** `@falkenried_fans`. */
export const falkenriedFans: DemoChannel = {
  id: "1700000006",
  username: "falkenried_fans",
  title: "Falkenried Fans",
  language: "de",
  posts: [
    repost("fans-derby", 68, footballStories.derby, {
      forwardOf: "foot-derby",
      media: album("football", "football")
    }),
    story(
      "fans-choreo",
      54,
      `Für die Choreo beim Heimspiel gegen Grünau brauchen wir noch 60 Leute, die eine Stunde früher da sind. Es werden 2.400 Papptafeln auf die Sitze gelegt, von oben ergibt das einen Falken mit zehn Metern Spannweite. Handschuhe mitbringen, die Farbe ist frisch. 🦅`,
      { media: photo("football") }
    ),
    retold("fans-keeper", 43, footballStories.keeper, [
      ["Torhüter Emre Yildan fällt bis zum Frühjahr aus.", "Unser Torhüter Emre Yildan fällt bis zum Frühjahr aus."],
      ["Der Schlussmann des SV Falkenried hat sich", "Er hat sich"],
      ["Operiert wird am Mittwoch", "Operiert wird er am Mittwoch"]
    ]),
    story(
      "fans-bus",
      32,
      `Auswärts nach Sandö fahren zwei Busse, Abfahrt um 7:15 am Kanal. Die Karte kostet mit Fähre 24 Euro, Kinder zahlen die Hälfte. Wer letztes Mal die Trommel im Bus vergessen hat: Sie steht bei Gisela im Flur und stört.`
    ),
    retold(
      "fans-stadium",
      20,
      footballStories.stadium,
      [
        [
          "Das alte Flutlicht im Stadion am Kanal wird abgebaut.",
          "Jetzt ist es amtlich: Das alte Flutlicht im Stadion am Kanal wird abgebaut."
        ],
        ["die nur noch ein Fünftel des Stroms brauchen", "die bloß ein Fünftel des Stroms brauchen"]
      ],
      { media: photo("city") }
    ),
    story(
      "fans-song",
      5,
      `Die Kurve hat ein neues Lied, drei Strophen und eine Pause zum Luftholen nach der zweiten. Geprobt wird am Freitag um 19 Uhr vor Block C, Texte liegen aus. Wer nicht singen kann, hält die Laterne. 🏮`,
      { media: photo("football") }
    )
  ]
}
