/** The demo's two feeds: a Russian local paper as RSS 2.0 and an English workshop journal as Atom 1.0. */
import type { DemoFeed } from "../DemoPost.ts"
import { ad, photo, retold, story } from "../DemoPost.ts"
import { cityStories } from "./zarechinskCity.ts"

/** `/feeds/vestnik.xml`. */
export const vestnikFeed: DemoFeed = {
  name: "vestnik",
  format: "rss",
  title: "Заречинский вестник",
  language: "ru",
  posts: [
    retold(
      "vestnik-market",
      14,
      cityStories.market,
      [
        ["Крытый рынок закроют на ремонт", "Крытый рынок закрывают на ремонт"],
        ["Старые изразцы", "Старинные изразцы"]
      ],
      { title: "Рынок закроют до мая, изразцы сохранят", media: photo("city") }
    ),
    story(
      "vestnik-pharmacy",
      63,
      `Аптека на улице Печатников отметила 120-летие. За прилавком до сих пор стоят дубовые ящики с латинскими надписями, и в одном из них при уборке нашли рецепт 1931 года на капли от кашля. Провизор Нина Вельская приготовила их заново: по её словам, помогает, но пахнет паровозом.`,
      { title: "В старой аптеке нашли рецепт капель от кашля", media: photo("city") }
    ),
    story(
      "vestnik-well",
      53,
      `При ремонте двора на улице Набережной рабочие открыли каменный колодец, который есть на плане 1846 года. Вода в нём чистая и стоит на глубине девяти метров. Археологи подняли два ведра, подкову и фарфоровую куклу без руки. Колодец обнесут решёткой и подсветят.`,
      { title: "Во дворе на Набережной открыли колодец XIX века" }
    ),
    story(
      "vestnik-theatre",
      41,
      `Театр юного зрителя сыграл спектакль при свечах не по замыслу режиссёра: за десять минут до начала в квартале отключили электричество. Актёры вышли с фонариками, зрители светили телефонами, и сказку про фонарщика доиграли до конца. Труппа решила оставить всё как есть и дальше играть её только так.`,
      { title: "Спектакль о фонарщике сыграли без электричества" }
    ),
    ad(
      "vestnik-ad-flats",
      33,
      `Жилой комплекс «Тихая гавань» открыл продажи третьей очереди: квартиры с видом на Светлую, ипотека за один визит, паркинг в подарок первым покупателям. Реклама. ООО «Гавань-Строй», erid: 4CQwVszH9pUh`,
      { title: "Квартиры у воды: третья очередь" }
    ),
    story(
      "vestnik-geese",
      25,
      `Над Заречинском вторую неделю летят гуси, хотя обычно пролёт заканчивается в октябре. Орнитолог Павел Дроздов считает их по вечерам с крыши элеватора: рекордный клин насчитывал 214 птиц. Он связывает задержку с тёплым озером выше по реке, которое в этом году долго не замерзало.`,
      { title: "Гуси задержались: пролёт идёт вторую неделю", media: photo("nature") }
    ),
    story(
      "vestnik-postman",
      10,
      `Почтальон Зоя Ким прошла свой стотысячный километр. Счёт она ведёт с первого дня работы, в тетради с котами на обложке. Самым трудным участком Зоя называет улицу Крутую, самым приятным — дом 9 на Садовой, где пёс по кличке Генерал сам забирает газету и несёт хозяину.`,
      { title: "Сто тысяч километров пешком: рекорд почтальона" }
    ),
    story(
      "vestnik-radio-tower",
      2.5,
      `Радиовышку на Лысой горе впервые за сорок лет покрасят целиком. Работа займёт три недели: альпинисты поднимаются только при ветре слабее восьми метров в секунду. На вышку уйдёт полторы тонны краски, и она снова станет красно-белой, а не розово-серой, какой её помнит большинство горожан.`,
      { title: "Вышку на Лысой горе вернут к красно-белому цвету" }
    )
  ]
}

/** `/feeds/open-bench.xml`. */
export const openBenchFeed: DemoFeed = {
  name: "open-bench",
  format: "atom",
  title: "Open Bench",
  language: "en",
  posts: [
    story(
      "bench-lathe",
      65,
      `A treadle lathe has no motor to burn out, no cable to trip over and no way of running while you look elsewhere. Ours took two weekends, a sewing machine frame from the dump and one bearing we had to buy. At a steady pace it turns at 400 revolutions per minute, which is enough for chair legs and small bowls.`,
      { title: "Building a treadle lathe from a sewing machine", media: photo("abstract") }
    ),
    story(
      "bench-glue",
      55,
      `We tore apart 80 glued joints so that you need not. Hide glue came last in strength and first in honesty: it failed slowly, with a warning creak. The modern glues held up to twice as much and then let go all at once. For a chair that matters more than the figure on the bottle.`,
      { title: "Eighty joints, four glues and a car jack" }
    ),
    story(
      "bench-sharpen",
      45,
      `How sharp is sharp enough? Pine end grain tells you. Push the chisel across it and look at the light: a dull edge leaves a milky surface, a good edge leaves one that shines like wax. The whole test takes three seconds and needs no magnifier, no paper and no hair from your arm.`,
      { title: "The three-second test for a chisel", media: photo("abstract") }
    ),
    ad(
      "bench-ad-saw",
      38,
      `Our partner Northcut makes the quietest table saw we have had in the shop. Readers get it with a second blade and free delivery: enter discount code BENCH10 at the checkout. Offer ends on Monday.`,
      { title: "From our partner: a saw that whispers" }
    ),
    story(
      "bench-clamp",
      29,
      `You never have enough clamps, so here is how to do without. Wrap a strip cut from an old bicycle tube around the work, stretch it on every turn and tuck the end under. Six turns press as hard as a small screw clamp, and the rubber does not mark the wood.`,
      { title: "Bicycle tubes instead of clamps" }
    ),
    story(
      "bench-moon-lamp",
      17,
      `This lamp shows the phase of the Moon with a gear train of only five wheels. The error is one day in eleven years, which we find acceptable for a bedside table. Plans, cutting list and the wheel with 59 teeth as a drawing are on the project page.`,
      { title: "A moon lamp with five wooden gears", media: photo("science") }
    ),
    story(
      "bench-repair",
      9,
      `Forty-one people came to the repair evening in Harrow Lane, and thirty-three things went home working. Most common fault: a broken wire right behind the plug. Strangest guest: a music box that played backwards because somebody had once put the comb in upside down.`,
      { title: "What we learnt from forty-one broken things" }
    ),
    story(
      "bench-oak",
      3.5,
      `An oak plank dries about an inch a year, says the rule. We weighed one every Sunday for two years and drew the curve: it lost half of its water in the first nine weeks, then hardly anything until spring, and it grew heavier again in each damp autumn. Wood is never finished drying. It only rests.`,
      { title: "Two years with a plank on the scales" }
    )
  ]
}
