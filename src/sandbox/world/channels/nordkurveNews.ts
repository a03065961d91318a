/** Football from a small league, in German. Clubs, players and results are invented. */
import type { DemoChannel } from "../DemoPost.ts"
import { ad, album, photo, story } from "../DemoPost.ts"

const derby = story(
  "foot-derby",
  69,
  `[b]Falkenried gewinnt das Derby in der 93. Minute[/b] ⚽

Der SV Falkenried hat den TSV Morgenthal mit 2:1 geschlagen. Lange sah es nach einem Unentschieden aus, dann köpfte Innenverteidiger Malte Brandis einen Eckball unter die Latte. Vor 6.180 Zuschauern war es sein erstes Tor seit vier Jahren.

Morgenthals Trainerin Silke Aumann nahm es mit Fassung: „Wir haben 92 Minuten gut verteidigt. Leider dauert ein Spiel manchmal länger.“`,
  { media: album("football", "football", "city") }
)

const keeper = story(
  "foot-keeper",
  44,
  `Torhüter Emre Yildan fällt bis zum Frühjahr aus. Der Schlussmann des SV Falkenried hat sich im Training das Kreuzband gerissen, als er nach einem Ball griff, der längst im Aus war. Operiert wird am Mittwoch in Lindstadt.

Für ihn rückt der 19-jährige Jonas Petersen ins Tor. Er hat bisher neun Minuten in der Liga gespielt und dabei einen Elfmeter gehalten.`,
  { media: photo("football") }
)

const stadium = story(
  "foot-stadium",
  21,
  `Das alte Flutlicht im Stadion am Kanal wird abgebaut. Die vier Masten stehen seit 1961, sie sind 38 Meter hoch und an drei Stellen durchgerostet. Im Januar kommen neue mit LED-Strahlern, die nur noch ein Fünftel des Stroms brauchen.

Ein Mast bleibt als Denkmal stehen, allerdings ohne Lampen. Auf seiner Plattform brüten seit Jahren Turmfalken, die Namensgeber des Vereins.`,
  { media: photo("city") }
)

/** Posts that the fans' channel tells again. */
export const footballStories = { derby, keeper, stadium }

/** `@nordkurve_news`. */
export const nordkurveNews: DemoChannel = {
  id: "1700000005",
  username: "nordkurve_news",
  title: "Nordkurve Notizen",
  language: "de",
  posts: [
    derby,
    story(
      "foot-table",
      66,
      `Der Stand nach dem 14. Spieltag: Vorne liegt die SG Hafenstein mit 33 Punkten, dahinter Falkenried mit 31 und Grünau mit 28. Unten wird es eng, zwischen Platz 12 und 17 liegen nur drei Zähler.

Die beste Abwehr hat der FC Ostheim: acht Gegentore, davon drei durch eigene Spieler.`
    ),
    story(
      "foot-sponsor",
      61,
      `Der TSV Morgenthal läuft ab Januar ohne Trikotsponsor auf. Statt Werbung tragen die Spieler den Namen der Jugendabteilung auf der Brust, die in diesem Jahr hundert wird. Bezahlt hat das die Bäckerei am Markt, die ausdrücklich nicht genannt werden wollte.

Das Trikot gibt es in den Größen von 98 bis XXL, der Erlös geht in neue Tornetze.`,
      { media: photo("football") }
    ),
    story(
      "foot-referee",
      58,
      `Schiedsrichterin Hanna Okafor hat am Samstag ihr 500. Spiel gepfiffen. In all den Jahren zeigte sie 61 Rote Karten, eine davon einem Vereinsmaskottchen. Der Biber hatte den Eckpfosten geklaut.

Nach dem Abpfiff standen beide Mannschaften Spalier. Gelb gab es trotzdem noch: für zu lautes Klatschen. 🟨`
    ),
    ad(
      "foot-ad-bets",
      53,
      `Anzeige

Tippen wie die Profis: Bei Quotenkönig bekommt ihr zum Start 50 Euro geschenkt. Jetzt sichern mit dem Gutscheincode NORD50, nur bis Sonntag. Teilnahme ab 18 Jahren, es gelten die Bedingungen des Anbieters.`
    ),
    story(
      "foot-youth",
      50,
      `Die U13 von Grünau hat ein Turnier gewonnen, ohne ein einziges Tor zu schießen. Fünfmal 0:0, dreimal Elfmeterschießen, im Finale entschied das Los. Torwart Ben (12) wurde zum besten Spieler gewählt und schlief auf der Rückfahrt mit dem Pokal im Arm ein. 🏆👨‍👦`,
      { media: photo("football") }
    ),
    story(
      "foot-pitch",
      47,
      `In Ostheim wächst der Rasen jetzt unter Lampen. Nach drei abgesagten Spielen hat der Verein ein gebrauchtes Gestell aus einer Gärtnerei gekauft, das nachts über die kahlen Stellen geschoben wird. Platzwart Dieter Kroll misst jeden Morgen nach: vier Millimeter in einer Woche.

Nebenan haben die Tomaten des Nachbarn auch etwas davon.`
    ),
    keeper,
    story(
      "foot-cup",
      40,
      `[b]Pokalauslosung: Hafenstein muss auf die Insel[/b]

Im Achtelfinale trifft die SG Hafenstein auf den Inselverein Sandö. Gespielt wird am 12. Dezember um 13 Uhr, weil die letzte Fähre um 16:30 ablegt. Bei einer Verlängerung müssten die Gäste übernachten.

Der Wirt des Dorfkrugs hat schon 30 Feldbetten aufgestellt. Alle Paarungen: https://nordkurve.example/pokal__achtelfinale`,
      { editedAfterMinutes: 15 }
    ),
    story(
      "foot-transfer",
      35,
      `Stürmer Rafael Quint wechselt im Winter von Grünau nach Hafenstein. Die Ablöse wurde nicht genannt, dem Vernehmen nach gehört ein Rasenmäher dazu. Quint erzielte in dieser Saison elf Tore, sieben davon mit dem Knie.

„Es ist kein schönes Knie“, sagt er, „aber es steht immer richtig.“`,
      { media: photo("football") }
    ),
    ad(
      "foot-ad-shop",
      30,
      `🧣 Der Winter kommt, eure Schals sind alt? Im Kurvenladen gibt es bis Freitag 15 % Rabatt auf alles aus Wolle. Jetzt bestellen und rechtzeitig zum Heimspiel tragen: https://kurvenladen.example/wolle`,
      { media: photo("football") }
    ),
    story(
      "foot-training",
      25,
      `Geheimtraining in Morgenthal: Der Verein ließ Planen an den Zaun hängen, damit niemand die neue Eckballvariante sieht. Gesehen haben sie trotzdem alle, denn der Zaun endet vor dem Balkon des Altenheims.

Dort wurde am Abend abgestimmt. Mit 14 zu 9 Stimmen halten die Bewohner die kurze Variante für besser und haben einen Brief geschrieben.`
    ),
    stadium,
    story(
      "foot-women",
      14,
      `Die Frauen des FC Ostheim sind seit 22 Spielen ungeschlagen. Beim 4:0 in Lindstadt traf Kapitänin Tuuli Saar dreimal in elf Minuten und ging danach zur Nachtschicht ins Krankenhaus. Dort lief die Wiederholung auf Station 3. 👩🏼‍⚕️

Am Sonntag kommt Sandö, Anpfiff ist um 11 Uhr.`,
      { media: album("football", "football") }
    ),
    story(
      "foot-chat",
      8,
      `Unser Stammtisch trifft sich am Donnerstag um 20 Uhr im Hinterzimmer vom „Anker“. Thema: Brauchen wir den Videobeweis in der vierten Liga? Wer nicht kommen kann, schreibt in der Gruppe mit: t.me/+NordKurveStammtisch_1`
    ),
    story(
      "foot-fog",
      1.2,
      `Abbruch in Hafenstein: Nach 71 Minuten war der Nebel so dicht, dass der Linienrichter ein Abseits nur noch hören konnte. Beim Stand von 1:1 schickte Okafor alle in die Kabine, einer wurde erst nach zehn Minuten am anderen Ende des Platzes gefunden.

Nachgeholt wird die ganze Partie am 2. Dezember. 🌫️`,
      { media: photo("football") }
    )
  ]
}
