/** A cooking channel in Spanish. */
import type { DemoChannel } from "../DemoPost.ts"
import { ad, album, photo, repost, retold, story } from "../DemoPost.ts"

const lentils = story(
  "cook-lentils",
  70,
  `[b]Lentejas que se hacen solas[/b] 🍲

Pon en frío 300 gramos de lenteja pardina, una zanahoria, media cebolla con dos clavos, una hoja de laurel y una cucharada de pimentón. Cubre con agua, tapa y deja la olla a fuego muy bajo durante cincuenta minutos, sin remover.

El truco de mi abuela Remedios: al apagar, un chorrito de vinagre y diez minutos de reposo. Saben mejor al día siguiente, si es que llegan.`,
  { media: photo("food") }
)

const oranges = story(
  "cook-oranges",
  48,
  `Ensalada de naranja y bacalao, para los días en que no apetece encender el horno. Pela cuatro naranjas a lo vivo, córtalas en rodajas y repártelas en una fuente con lascas de bacalao desalado, aceitunas negras y cebolleta muy fina.

Aceite, pimienta y nada de sal: el pescado ya la trae. En mi pueblo se come el Viernes Santo, en mi casa cualquier martes. 🍊`,
  { media: album("food", "food") }
)

/** `@cocina_de_rosa`. */
export const cocinaDeRosa: DemoChannel = {
  id: "1700000004",
  username: "cocina_de_rosa",
  title: "La cocina de Rosa",
  language: "es",
  posts: [
    lentils,
    story(
      "cook-bread",
      67,
      `Ayer se me olvidó la masa del pan en la nevera tres días enteros. La horneé igualmente, por curiosidad, a 230 grados y con un vaso de agua en la bandeja de abajo.

Resultado: la mejor corteza del año y un sabor a nuez que no esperaba. A veces la receta es dejar en paz las cosas.`,
      { media: photo("food") }
    ),
    story(
      "cook-tortilla",
      63,
      `¿Con cebolla o sin cebolla? Hice la prueba a ciegas con dieciséis vecinos del portal. Once prefirieron la tortilla con cebolla pochada durante cuarenta minutos, cuatro la de patata sola y uno pidió las dos.

El voto más discutido fue el de don Anselmo, de 84 años: «Me da igual, mientras no esté seca». Tiene razón: fuego fuerte, dos minutos por lado y a la mesa.`
    ),
    ad(
      "cook-ad-knives",
      58,
      `🔪 Los cuchillos Acerolín cortan un tomate en el aire, lo he visto. Esta semana tenéis un 20 % de descuento con el código ROSA20 y el envío sale gratis.

Compra ya en https://acerolin.example/rosa?aff=cocina #publi`,
      { media: photo("food") }
    ),
    story(
      "cook-market",
      55,
      `Lunes de mercado en la plaza de San Telmo. Las alcachofas bajan a dos euros el kilo, han llegado los primeros níscalos de la sierra y la pescadera, Encarna, guarda cabezas de merluza para quien se lo pida con educación.

Con todo eso, hoy toca arroz caldoso. Os enseño las fotos del puesto, que parece un bodegón.`,
      { media: album("food", "city", "nature") }
    ),
    story(
      "cook-garlic",
      52,
      `Pelar veinte dientes de ajo en medio minuto: mételos en un bote de cristal, tapa y agita como si te debiera dinero. La piel se suelta sola. Con cinco dientes no funciona, necesitan chocar entre ellos.

Lo aprendí de un cocinero de barco que daba de comer a treinta marineros con una sola sartén. 🧄👨‍🍳`
    ),
    oranges,
    story(
      "cook-flan",
      41,
      `El flan sin agujeros existe. Calienta la leche con la vainilla, bate los huevos despacio —sin espuma—, cuela la mezcla dos veces y cuaja al baño maría a 150 grados durante una hora, con un paño de cocina en el fondo de la bandeja para que el agua no hierva.

Se desmolda frío y con decisión. Quien duda, pierde la mitad del caramelo.`,
      { media: photo("food") }
    ),
    story(
      "cook-soup",
      38,
      `Sopa de ajo para tres con lo que había: cuatro rebanadas de pan duro, seis dientes de ajo, una cucharadita de pimentón de la Vera, dos huevos y caldo de verduras. Quince minutos de reloj.

La tabla con las medidas para más comensales está aquí: https://rosa.example/sopa__de_ajo+huevo`
    ),
    retold(
      "cook-lentils-again",
      33,
      lentils,
      [
        ["[b]Lentejas que se hacen solas[/b] 🍲", "[b]Las lentejas que se hacen solas[/b]"],
        ["Pon en frío 300 gramos de lenteja pardina", "Pon en frío 300 g de lenteja pardina"],
        ["El truco de mi abuela Remedios", "El secreto de mi abuela Remedios"]
      ],
      { media: photo("food") }
    ),
    story(
      "cook-olives",
      26,
      `Este año el olivo del patio ha dado once kilos. Para quitarles el amargor hay que rajarlas, cubrirlas de agua y cambiarla cada mañana durante nueve días. Después, salmuera —que un huevo flote y enseñe una moneda de cáscara—, tomillo, hinojo y piel de naranja.

En enero os cuento si han salido comestibles o si decoran la estantería otro año más. 🫒`,
      { media: album("nature", "food") }
    ),
    ad(
      "cook-ad-course",
      23,
      `[b]Contenido patrocinado[/b]

La escuela Fogón Abierto estrena su curso de repostería por internet: ocho semanas, delantal incluido y certificado al terminar. Plazas limitadas, empieza el 3 de diciembre. Información en https://fogon.example/cursos`
    ),
    story(
      "cook-grandma",
      17,
      `Mi vecina Paquita no mide nada. «Harina, la que admita; leche, hasta que te guste; horno, como para un invitado serio». Me senté con una báscula a su lado toda una tarde y al final lo apunté todo: 410 gramos, 180 mililitros, 190 grados.

Ella lee la hoja, se ríe y dice que así no hay manera de que salgan dos bizcochos distintos. Quizá ahí está la diferencia.`
    ),
    repost("cook-oranges-again", 11, oranges, { media: album("food", "food") }),
    story(
      "cook-rice",
      6,
      `Arroz que no se pega: lávalo tres veces, tuéstalo un minuto con una cucharada de aceite y echa el doble de agua ya hirviendo. Tapa, baja el fuego al mínimo y no mires durante dieciséis minutos. De verdad, no mires. ⏱️

Un lector me preguntó qué pasa si se mira. Pues que se escapa el vapor y tienes que invitarme a comer engrudo.`,
      { media: { kind: "video" } }
    ),
    story(
      "cook-chestnuts",
      1.5,
      `Huele a castañas en toda la calle. Si las asáis en casa, haced el corte en la parte plana y dejadlas antes veinte minutos en agua tibia: el vapor despega la piel de dentro, la que siempre se queda agarrada. Horno a 210 grados, media hora, y luego diez minutos envueltas en un trapo.

Con una copita de anís y sin prisa, son la cena. 🌰`,
      { media: photo("food") }
    )
  ]
}
